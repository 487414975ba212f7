"""The report as one HTML page.

html      the page: sections of `fcnet.report.story`, figures and pictures in one file
render    Markdown as HTML, with mathematics as MathML
images    images of the data set and confident mistakes
"""
