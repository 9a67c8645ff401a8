"""Letters become HTML and text of equal worth: front matter and Jinja first, then Markdown, then the layout.

A letter is rendered once for a whole batch, with tags where values of the person stand, or once for one person. Both
give the same bytes.
"""

from drip.mail.render.book import LetterBook
from drip.mail.render.person import NeedsPerson, Person, Rendered

__all__ = ["LetterBook", "NeedsPerson", "Person", "Rendered"]
