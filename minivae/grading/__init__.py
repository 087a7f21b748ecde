"""What a lesson's check cells call: run an answer safely, compare it, and say which mistake it is.

    from minivae.grading import check

    kl_backward = check(kl_backward)              # the exercise of that name
    kl_backward = check.kl_backward(my_function)  # the same, whatever the function is called
    check(kl_backward, hint=2)                    # says more

`check` gives back the learner's function if it is right, otherwise the library's own: a notebook always goes on.
"""

from minivae.grading.checker import Check, check
from minivae.grading.exercise import EXERCISES, Exercise, Mistake, Term, register
from minivae.grading.program import Program
from minivae.grading.verdict import Verdict

__all__ = ["EXERCISES", "Check", "Exercise", "Mistake", "Program", "Term", "Verdict", "check", "register"]
