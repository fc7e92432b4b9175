"""Texts of settings files to values per frame: expressions, schedules, prompts and seeds. Pure; knows no settings."""
