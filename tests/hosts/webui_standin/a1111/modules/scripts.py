from __future__ import annotations


class ScriptRunner:
    def __init__(self):
        self.scripts = []
        self.alwayson_scripts = []


scripts_txt2img = ScriptRunner()
scripts_img2img = ScriptRunner()
