"""The course: one MyST Markdown file a lesson, and `python -m lessons.build`, which makes the notebooks from them."""
