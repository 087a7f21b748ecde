"""Whatever a learner's function does, the check says what happened, in a sentence, and the notebook goes on."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from learner import typed

from minivae.grading.checker import find
from minivae.grading.exercise import Exercise, Mistake
from minivae.grading.judge import case, judge


def reference(x, g):
    return g * np.tanh(x)


EXERCISE = Exercise(
    name="slope",
    reference=reference,
    cases=lambda rng: (rng.standard_normal((5, 7)), rng.standard_normal((5, 7))),
    returns=("d_x",),
    sizes={5: "B", 7: "D"},
    seconds=20,
)
IMPATIENT = replace(EXERCISE, seconds=0.4)


def verdict_on(body, exercise=EXERCISE):
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return judge(exercise, typed(f"def slope(x, g):\n{lines}", "slope"))


def test_an_unsolved_stub_is_not_attempted_yet():
    verdict = verdict_on('raise NotImplementedError("hint: the chain rule")')
    assert verdict.status == "not attempted"
    assert verdict.text == "slope: not attempted yet. The notebook goes on with the library's own version."


def test_what_a_library_does_not_implement_is_no_stub():
    verdict = verdict_on("import asyncio\nreturn asyncio.AbstractEventLoop().run_forever()")
    assert verdict.status == "error"
    assert "slope stopped with NotImplementedError" in verdict.text


def test_an_exception_is_shown_at_the_learners_line_and_no_other():
    verdict = verdict_on("def inner(a):\n    return np.concatenate([a, 3])\ny = inner(x)\nreturn y")
    assert verdict.status == "error"
    assert verdict.text.startswith("slope stopped with ValueError: ")
    assert "line 3 of inner:   return np.concatenate([a, 3])" in verdict.text
    assert "line 4 of slope:   y = inner(x)" in verdict.text
    assert "x: float64 array (5, 7)" in verdict.text
    for ours in ("judge", "run.py", "minivae", "numpy/", "<cell", "Traceback"):
        assert ours not in verdict.text


def test_a_misspelt_name_is_shown():
    text = verdict_on("return g * np.tanh(y)").text
    assert "NameError: name 'y' is not defined" in text
    assert "line 2 of slope:   return g * np.tanh(y)" in text


def test_exit_does_not_end_the_notebook():
    assert "stopped with SystemExit" in verdict_on("raise SystemExit").text


def test_endless_recursion_shows_its_line_once():
    text = verdict_on("return slope(x, g)").text
    assert "It calls itself without end." in text
    assert text.count("line 2 of slope") == 1


@pytest.mark.parametrize(
    "body", ["while True: pass", "import time; time.sleep(60)", "try:\n    while True: pass\nexcept Exception: pass"]
)
def test_an_endless_loop_is_stopped(body):
    start = time.perf_counter()
    verdict = verdict_on(body, IMPATIENT)
    assert verdict.status == "error"
    assert "was stopped after 0.4 s" in verdict.text
    assert time.perf_counter() - start < 5


def test_an_endless_loop_is_stopped_off_the_main_thread_too():
    found = []
    thread = threading.Thread(target=lambda: found.append(verdict_on("while True: pass", IMPATIENT)))
    thread.start()
    thread.join(10)
    assert "was stopped after 0.4 s" in found[0].text


def test_a_flood_of_prints_is_cut_and_counted():
    text = verdict_on("for i in range(100_000): print('hello', i)\nreturn g * np.tanh(x)").text
    assert text.startswith("slope: right.")
    assert "It printed 1,188,890 characters" in text
    assert len(text) < 1500


def test_what_a_learner_prints_is_shown(capsys):
    assert "Your function printed:\n    (5, 7)" in verdict_on("print(x.shape)\nreturn g").text
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("g *= np.tanh(x)\nreturn g", "g *= np.tanh(x)"),
        ("x[0] = 0\nreturn g", "x[0] = 0"),
        ("return np.multiply(g, np.tanh(x), out=g)", "out=g"),
    ],
)
def test_changed_arguments_are_told_with_the_line(body, line):
    verdict = verdict_on(body)
    assert verdict.status == "error"
    assert "changes its argument" in verdict.text
    assert line in verdict.text


def test_a_changed_array_inside_a_dict_is_named():
    exercise = Exercise(name="first", reference=lambda params: params["W"], cases=lambda rng: ({"W": np.ones(3)},))

    def first(params):
        params["W"] += 1
        return params["W"] - 1

    assert "changes its argument params['W']" in judge(exercise, first).text


def test_the_wrong_number_of_arguments_is_told_before_the_call():
    text = judge(EXERCISE, lambda x: x).text
    assert "takes 1 argument (x), but the exercise gives it 2" in text


def test_noise_from_inside_is_told():
    verdict = verdict_on("return g * np.random.standard_normal(g.shape)")
    assert "gives two different answers" in verdict.text
    assert verdict.codes == ()


def test_a_warning_of_numpy_is_told_with_a_wrong_answer():
    assert "NumPy warned: divide by zero encountered in divide." in verdict_on("return g / (0 * x)").text


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("pass", "d_x is None"),
        ("return ...", "d_x is still `...`"),
        ("return 'g'", "d_x is a str"),
        ("return np.tanh", "d_x is a function"),
        ("return {1: g}", "slope returns a dict. Expected: one array or number"),
        ("return g, x", "slope returns 2 values. Expected: one array or number"),
        ("return g + 1j", "d_x is complex"),
        ("return np.array([None, g], dtype=object)", "d_x is an array of dtype object"),
        ("return g.T", "d_x has shape (7, 5) = (D, B); expected (5, 7) = (B, D). It is transposed."),
        ("return g.sum(0)", "Axis 0 is gone"),
        ("return g.mean()", "Axes 0 and 1 are gone"),
        ("return g[:, 0][None]", "expected (5, 7)"),
        ("return np.stack([g] * 3)", "Axis 0 is still there"),
        ("return np.where(x > 0, g, np.nan)", "entries are NaN, the first at ["),
        ("return g / (0 * x)", "infinite"),
    ],
)
def test_every_unusable_value_has_its_sentence(body, sentence):
    verdict = verdict_on(body)
    assert verdict.status != "right"
    assert sentence in " ".join(verdict.text.split())


class Stubborn:
    def __array__(self, *arguments, **options):
        raise RuntimeError("no numbers here")


JUNK = [
    None,
    ...,
    10**400,
    float("inf"),
    b"x",
    [],
    [[1], [2, 3]],
    (),
    {},
    {1, 2},
    iter([1]),
    np.array([]),
    np.array("a"),
]
JUNK += [np.array([None] * 3), np.ma.array([1.0, 2.0], mask=[0, 1]), np.datetime64("2020"), Stubborn(), object(), type]
JUNK += [np.full((13, 5), np.nan), np.full((13, 5), 1e308), np.ones((13, 5), bool), range(3), np.uint64(2**63)]


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: type(junk).__name__)
def test_no_answer_makes_the_check_itself_fail(junk):
    exercise = find("kl_backward")
    right = exercise.right_answer(case(exercise, 0))
    for answer in (junk, (junk, junk), (right[0], junk)):
        assert judge(exercise, lambda mu, logvar, beta, answer=answer: answer).status in ("wrong", "error")
    assert judge(Exercise(name="number", reference=3.0), junk).status in ("wrong", "not attempted")


def test_what_is_no_function_is_told():
    assert "asks for a function" in judge(EXERCISE, np.ones(3)).text
    assert judge(EXERCISE, None).status == "not attempted"
    assert judge(EXERCISE, ...).status == "not attempted"


def test_the_time_limit_leaves_no_alarm_behind():
    assert judge(replace(EXERCISE, seconds=2), reference).status == "right"
    time.sleep(2.1)


def test_the_form_of_a_dict_or_a_tuple_is_told():
    loss = find("negative_elbo")
    right = loss.right_answer(case(loss, 0))
    answer = lambda value: judge(loss, lambda x, logits, mu, logvar, beta: value).text
    assert "returns 3 values. Expected: a dict with the keys reconstruction, kl, loss." in answer(tuple(right.values()))
    assert "the dict has no 'kl' and no 'loss'." in answer({"reconstruction": 1.0})
    assert "returns None: is the `return` line missing?" in answer(None)
    kl = judge(find("kl_backward"), lambda mu, logvar, beta: mu)
    assert "Expected: 2 values: d_mu, d_logvar." in kl.text


def test_a_sum_over_the_wrong_axis_is_told():
    exercise = Exercise(name="bias", reference=lambda g: g.sum(axis=0), cases=lambda rng: (rng.random((5, 7)),))
    assert "Was a sum taken over the wrong axis?" in judge(exercise, lambda g: g.sum(axis=1)).text


def test_an_error_at_extreme_arguments_is_told_as_such():
    def reconstruction_term(x, logits):
        if abs(logits).max() > 100:
            raise OverflowError("too large")
        return find("reconstruction_term").reference(x, logits)

    text = judge(find("reconstruction_term"), reconstruction_term).text
    assert "right on ordinary numbers, but at logits of ±800" in text
    assert "OverflowError: too large" in text


def test_a_plain_value_may_be_a_word_and_may_have_known_mistakes():
    word = Exercise(name="which", reference="pathwise")
    assert judge(word, "pathwise").status == "right"
    assert "which is 'score'." in judge(word, "score").text
    half = Mistake("V1", "the half is missing", "2", "1", "Where is the ½?", wrong=lambda: 2.0)
    number = Exercise(name="number", reference=1.0, mistakes=(half,))
    assert judge(number, 2).codes == ("V1",)
    assert judge(number, 3).codes == ()
    assert judge(number, 1.0).status == "right"
