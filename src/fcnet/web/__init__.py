"""What the pages of fcnet share: one place for colours, elements, charts, pictures and numbers.

bundle    the modules of a page as one script, and the page's text

The rest are ES modules with JSDoc types, which a browser runs as they are, and the pages' common style.
"""
