"""What each client must be able to do; every module has a list `CHECKS` of (name, function of the target)."""


def collector():
    """A list and a decorator that fills it."""
    checks = []

    def check(name):
        def add(function):
            checks.append((name, function))
            return function

        return add

    return checks, check
