"""Reports as files and over HTTP: one neutral document, written as a workbook, as CSV and as JSON."""
