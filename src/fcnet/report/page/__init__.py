"""The report as one page.

blocks     what a report is made of: sections of texts, tables, figures, pictures
source     the folder that it tells of, and its data set where that can be had
story      the sections, in the exercise's order; their numbers come from records
training   the sections on trainings
drawn      figures as inline SVG, with what the mouse reads from their curves
images     images of the data set and confident mistakes, embedded
prose      our own texts with mathematics, as HTML and MathML
html       the whole page, in one file
markdown   the same story for docs/, without images of the data set
"""
