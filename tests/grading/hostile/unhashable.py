"""Answers with lists in lists that hold themselves, and with what cannot be hashed."""


def odd(value):
    circle = [{}]
    circle.append(circle)
    return circle
