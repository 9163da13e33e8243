"""What an analytic says when its formula has no value."""


class NotEnoughData(Exception):
    """Too little data for the formula to have a value. The message is written for someone looking at a page."""
