"""Stateless helpers between the plan and the render loop."""
