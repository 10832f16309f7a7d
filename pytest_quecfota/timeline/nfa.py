"""Patterns as small automata.

`compile` turns a pattern into a `Program` (Thompson's construction with nodes that open and close a `then`).
`Matcher` runs it over URCs as `expect` needs it: strictly. Every URC that some leaf means must be taken; one that cannot
be taken now is out of order, so all live threads of the automaton have taken the same URCs. `Search` runs it as `seen`,
`on` and `never` need it: a match may begin anywhere, and what does not fit only ends that attempt.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from pytest_quecfota.timeline.patterns import Node, OneOf, Repeated, Sequence, Then, Where, leaves
from pytest_quecfota.urc import Urc

#: (real stamp of the match before, module seconds) -> real time at which it is too late.
Deadline = Callable[[float, float], float]
#: A `then` that waits: the real time at which it is too late, and the duration as it was written.
Due = tuple[float, str]


@dataclass
class State:
    """One node of the automaton: a leaf takes a URC, the others lead on by themselves."""

    leaf: Where | None = None
    opens: Then | None = None
    closes: bool = False
    next: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Program:
    """A compiled pattern: states, where to begin, where it is complete, and its alphabet."""

    states: tuple[State, ...]
    start: int
    accept: int
    alphabet: tuple[Where, ...]
    timed: bool
    closures: dict[tuple[int, ...], list[Thread]] = field(default_factory=dict, compare=False)

    def means(self, urc: Urc) -> bool:
        """Whether some leaf means this URC."""
        return any(leaf.matches(urc) for leaf in self.alphabet)


def compile(pattern: Node) -> Program:
    """The automaton of a pattern. Raises `ValueError` for a pattern that is complete without any URC."""
    states: list[State] = [State()]
    start = _build(pattern, states, 0)
    timed = any(state.opens is not None for state in states)
    program = Program(tuple(states), start, 0, leaves(pattern), timed)
    if any(thread.state == program.accept for thread in _closure(program, [Thread(start)], 0.0, _never_late)):
        raise ValueError("the pattern is complete without any URC; nothing would be waited for")
    return program


def _add(states: list[State], state: State) -> int:
    states.append(state)
    return len(states) - 1


def _build(pattern: Node, states: list[State], after: int) -> int:
    """Add the states of `pattern` so that they lead to `after`; returns where they begin."""
    if isinstance(pattern, Where):
        return _add(states, State(leaf=pattern, next=[after]))
    if isinstance(pattern, Sequence):
        for element in reversed(pattern.elements):
            after = _build(element, states, after)
        return after
    if isinstance(pattern, OneOf):
        return _add(states, State(next=[_build(choice, states, after) for choice in pattern.choices]))
    if isinstance(pattern, Then):
        inner = _build(pattern.element, states, _add(states, State(closes=True, next=[after])))
        return _add(states, State(opens=pattern, next=[inner]))
    return _build_repeated(pattern, states, after)


def _build_repeated(pattern: Repeated, states: list[State], after: int) -> int:
    loop = _add(states, State())
    states[loop].next = [_build(pattern.element, states, loop), after]
    for _ in range(pattern.at_least):
        loop = _build(pattern.element, states, loop)
    return loop


class Thread(NamedTuple):
    """One way through the automaton: where it stands, and the `then`s it is in, innermost last."""

    state: int
    dues: tuple[Due, ...] = ()

    @property
    def until(self) -> float:
        """The real time at which this way is lost by waiting."""
        return min(self.dues)[0] if self.dues else math.inf


def _never_late(_t: float, _within: float) -> float:
    return math.inf


def _closure(program: Program, threads: Collection[Thread], t: float, deadline: Deadline) -> list[Thread]:
    """Threads at leaves and at the end, reachable without a URC; `t` is the stamp of the last match."""
    if program.timed:
        return _timed_closure(program, threads, t, deadline)
    key = tuple(thread.state for thread in threads)
    if key not in program.closures:
        program.closures[key] = _timed_closure(program, threads, t, deadline)
    return program.closures[key]


def _timed_closure(program: Program, threads: Collection[Thread], t: float, deadline: Deadline) -> list[Thread]:
    found: list[Thread] = []
    stack = list(threads)[::-1]
    met = set(stack)
    kept: set[tuple[Due, ...]] = set()
    while stack:
        thread = stack.pop()
        state, dues = program.states[thread.state], thread.dues
        if state.leaf is not None or thread.state == program.accept:
            found.append(thread)
            continue
        if state.opens is not None:
            dues = (*dues, (deadline(t, state.opens.within), state.opens.spelt))
        elif state.closes:
            kept.add(dues)
            dues = dues[:-1]
        onward = [Thread(target, dues) for target in reversed(state.next)]
        stack += [thread for thread in onward if thread not in met]
        met.update(onward)
    return [_relieved(thread, kept) for thread in found] if kept else found


def _relieved(thread: Thread, kept: Iterable[tuple[Due, ...]]) -> Thread:
    """An element that may go on (`repeated`) but is complete has kept its deadline: it does not count any more."""
    dues = thread.dues
    for met in kept:
        if dues[: len(met)] == met:
            dues = (*dues[: len(met) - 1], (math.inf, ""), *dues[len(met) :])
    return Thread(thread.state, dues)


class Step(enum.Enum):
    """What a URC did to a match."""

    FOREIGN = "no leaf means it"
    TAKEN = "one step further"
    COMPLETE = "the pattern is complete"
    OUT_OF_ORDER = "a leaf means it, but it cannot come now"
    LATE = "it could have come now, but after its deadline"


class Matcher:
    """One attempt to match a program from a start on, strictly. Fed with every URC in order; not thread-safe."""

    def __init__(self, program: Program, start: float, deadline: Deadline = _never_late) -> None:
        self.program = program
        self.taken: list[tuple[Where, Urc]] = []
        self._deadline = deadline
        self.threads = _closure(program, [Thread(program.start)], start, deadline)

    @property
    def urcs(self) -> tuple[Urc, ...]:
        """What was taken so far."""
        return tuple(urc for _, urc in self.taken)

    @property
    def until(self) -> float:
        """The real time at which the match is lost if nothing more comes; infinity where no `then` waits."""
        return max((thread.until for thread in self.threads), default=-math.inf)

    def step(self, urc: Urc) -> Step:
        """Take one URC. A predicate's exception comes out here."""
        states = self.program.states
        able = [th for th in self.threads if (leaf := states[th.state].leaf) is not None and leaf.matches(urc)]
        if not able:
            return Step.OUT_OF_ORDER if self.program.means(urc) else Step.FOREIGN
        in_time = [thread for thread in able if urc.time <= thread.until]
        if not in_time:
            return Step.LATE
        leaf = states[in_time[0].state].leaf
        assert leaf is not None
        self.taken.append((leaf, urc))
        onward = [Thread(states[thread.state].next[0], thread.dues) for thread in in_time]
        self.threads = _closure(self.program, onward, urc.time, self._deadline)
        complete = any(thread.state == self.program.accept for thread in self.threads)
        return Step.COMPLETE if complete else Step.TAKEN

    def waiting(self) -> str | None:
        """The duration of the `then` that is lost first by waiting, as it was written."""
        dues = [due for thread in self.threads for due in thread.dues if due[0] < math.inf]
        return min(dues)[1] if dues else None

    def due(self) -> list[Where]:
        """What had to come next on the shortest way to the end; several where there is a choice."""
        return self._first_steps(lambda state: state == self.program.accept)

    def due_before(self, urc: Urc) -> list[Where]:
        """What had to come before `urc` could; empty where it cannot come any more (or never could)."""

        def takes(state: int) -> bool:
            leaf = self.program.states[state].leaf
            return leaf is not None and leaf.matches(urc)

        return self._first_steps(takes)

    def rest(self) -> list[list[Where]]:
        """What is missing: the shortest way to the end, each step with its alternatives."""
        return self._ways(lambda state: state == self.program.accept)

    def _first_steps(self, goal: Callable[[int], bool]) -> list[Where]:
        ways = self._ways(goal)
        return ways[0] if ways else []

    def _ways(self, goal: Callable[[int], bool]) -> list[list[Where]]:
        """The leaves on all shortest ways from here to a goal state, by step."""
        layers: list[dict[int, None]] = [{thread.state: None for thread in self.threads}]
        seen = set(layers[0])
        while not any(goal(state) for state in layers[-1]):
            onward: dict[int, None] = {}
            for state in layers[-1]:
                for thread in self._after(state):
                    if thread.state not in seen:
                        onward[thread.state] = None
            if not onward:
                return []
            seen |= set(onward)
            layers.append(onward)
        wanted = {state for state in layers[-1] if goal(state)}
        steps: list[list[Where]] = []
        for layer in reversed(layers[:-1]):
            wanted = {state for state in layer if wanted & {thread.state for thread in self._after(state)}}
            found = [leaf for state in wanted if (leaf := self.program.states[state].leaf)]
            steps.append([leaf for leaf in self.program.alphabet if leaf in found])
        return steps[::-1]

    def _after(self, state: int) -> list[Thread]:
        if self.program.states[state].leaf is None:
            return []
        return _closure(self.program, [Thread(self.program.states[state].next[0])], 0.0, _never_late)


class Search:
    """Finds matches that may begin at any URC, one after another, not overlapping; the earliest beginning wins."""

    def __init__(self, program: Program, deadline: Deadline = _never_late) -> None:
        self._program = program
        self._deadline = deadline
        self.single = program.alphabet[0] if _is_single(program) else None
        self._attempts: list[Matcher] = []

    def step(self, urc: Urc) -> tuple[Urc, ...] | None:
        """Take one URC; returns the URCs of the match it completes, or None."""
        if self.single is not None:
            return (urc,) if self.single.matches(urc) else None
        if not self._program.means(urc):
            return None
        going: list[Matcher] = []
        stands: set[frozenset[int]] = set()
        for attempt in (*self._attempts, Matcher(self._program, urc.time, self._deadline)):
            step = attempt.step(urc)
            if step is Step.COMPLETE:
                self._attempts = []
                return attempt.urcs
            stand = frozenset(thread.state for thread in attempt.threads)
            if step is Step.TAKEN and stand not in stands:
                stands.add(stand)
                going.append(attempt)
        self._attempts = going
        return None


def _is_single(program: Program) -> bool:
    return len(program.states) == 2 and program.states[program.start].leaf is not None
