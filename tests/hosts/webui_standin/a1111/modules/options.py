from __future__ import annotations


class OptionInfo:
    def __init__(self, default=None, label="", component=None, component_args=None, *, section=None):
        self.default = default
        self.label = label
        self.component = component
        self.component_args = component_args
        self.section = section
        self.category_id = None
        self.comment_after = ""
        self.do_not_save = False


class OptionHTML(OptionInfo):
    def __init__(self, text):
        super().__init__(text)
        self.do_not_save = True


class Options:
    def __init__(self, data_labels):
        self.data_labels = data_labels
        self.data = {key: info.default for key, info in data_labels.items()}

    def __getattr__(self, key):
        if key in self.data:
            return self.data[key]
        if key in self.data_labels:
            return self.data_labels[key].default
        raise AttributeError(key)

    def add_option(self, key, info):
        self.data_labels[key] = info
