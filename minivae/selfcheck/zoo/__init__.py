"""The mutant zoo: wrong versions of everything that minivae computes, and the trials that must catch each of them.

A check that nothing has ever failed shows little. So beside each op, layer, distribution, objective and optimiser there
are named mistakes, of the kind people make, and every one must be caught, by a trial that the right code passes.
"""

from minivae.selfcheck.zoo.census import subjects, unguarded
from minivae.selfcheck.zoo.runner import Results, main, run
from minivae.selfcheck.zoo.subject import Outcome, Subject, Trial, Verdict

__all__ = ["Outcome", "Results", "Subject", "Trial", "Verdict", "main", "run", "subjects", "unguarded"]
