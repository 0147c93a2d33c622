"""What an operator must put right before the API can start; nothing is imported here, so that the command line may."""


class Fault(Exception):  # noqa: N818 - it reads as what happened
    """Files that the API cannot start with; the message says what to do."""


class BadKeys(Fault):
    """The file of keys cannot be read."""


class BadManifest(Fault):
    """The manifest of trusted documents cannot be used."""


class BadWords(Fault):
    """The file of a shop's own words cannot be used."""
