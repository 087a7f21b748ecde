"""Lesson 09: which lines of a colleague's backward pass are wrong, and which only hand on what is wrong."""

from __future__ import annotations

import numpy as np

from minivae.grading.exercise import Exercise, Mistake, register

YOURS, RIGHT = "a formula that is wrong", "a formula that is right, and gets wrong numbers"

register(
    Exercise(
        name="wrong_lines",
        reference=np.array([8, 12]),
        mistakes=(
            Mistake(
                "F1",
                "line 8 is wrong, the other one is innocent",
                YOURS,
                RIGHT,
                "Line 13 belongs to tanh, line 14 to a dense layer. Would they be right if d_h were right?",
                "Put the right d_h into lines 13 and 14, and both give the right gradient.",
                wrong=lambda: np.array([8, 14]),
            ),
            Mistake(
                "F2",
                "line 8 is wrong, the other one is innocent",
                YOURS,
                RIGHT,
                "Line 13 is the derivative of tanh, with what it is given. Where does its d_h come from?",
                "Put the right d_h into line 13, and it gives the right d_a.",
                wrong=lambda: np.array([8, 13]),
            ),
            Mistake(
                "F3",
                "line 8 is wrong, and the other one is near",
                YOURS,
                RIGHT,
                "Line 11 is a part of d_h, and a right one. What becomes of it in the next line?",
                "Line 11 is one of the two parts of d_h. The next line must not throw it away.",
                wrong=lambda: np.array([8, 11]),
            ),
            Mistake(
                "F4",
                "line 12 is wrong, the other one is innocent",
                YOURS,
                RIGHT,
                "The gradient of W_logvar is wrong, but line 10 is the rule of a dense layer. What goes into it?",
                "Line 10 is h.T @ g with g = d_logvar. Where is d_logvar made?",
                wrong=lambda: np.array([10, 12]),
            ),
            Mistake(
                "F5",
                "line 12 is wrong, the other one is innocent",
                YOURS,
                RIGHT,
                "W_mu passes the check, and its gradient is made of d_mu. Can line 7 be wrong?",
                "d_mu reaches W_mu through one right line, and W_mu is right. So d_mu is right.",
                wrong=lambda: np.array([7, 12]),
            ),
        ),
    )
)
