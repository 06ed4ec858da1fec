"""What of an OpenAPI description programs rely on, and whether another one still holds it.

A program that was written against the earlier description must go on working: what it sends must
be taken, and what it reads must be there, of the kinds that it knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Node = Mapping[str, Any]
_MOST = ("maxLength", "maxItems", "maximum", "exclusiveMaximum")
_LEAST = ("minLength", "minItems", "minimum", "exclusiveMinimum")


def breaks(earlier: Node, later: Node) -> list[str]:
    """Where `later` breaks what `earlier` promised, one line each; both are whole descriptions."""
    return list(_Comparison(earlier, later).breaks())


class _Comparison:
    """Two descriptions; a `$ref` is followed in the one that it stands in."""

    def __init__(self, earlier: Node, later: Node) -> None:
        self.earlier, self.later = earlier, later
        self.compared: set[tuple[str, str, bool]] = set()

    def breaks(self) -> Iterator[str]:
        for path, operations in self.earlier["paths"].items():
            for method, before in operations.items():
                now = self.later["paths"].get(path, {}).get(method)
                where = f"{method.upper()} {path}"
                if now is None:
                    yield f"{where}: gone"
                    continue
                yield from self._parameters(where, before, now)
                yield from self._body(where, before, now)
                yield from self._answers(where, before, now)

    def _parameters(self, where: str, before: Node, now: Node) -> Iterator[str]:
        known = {(one["in"], one["name"]): one for one in before.get("parameters", ())}
        there = {(one["in"], one["name"]): one for one in now.get("parameters", ())}
        for key, one in known.items():
            if key not in there:
                yield f"{where}: parameter {key[1]} is gone"
            else:
                yield from self._taken(f"{where} {key[1]}", one["schema"], there[key]["schema"])
        for key, one in there.items():
            if one.get("required") and not known.get(key, {}).get("required"):
                yield f"{where}: parameter {key[1]} is required"

    def _body(self, where: str, before: Node, now: Node) -> Iterator[str]:
        known, there = before.get("requestBody", {}), now.get("requestBody", {})
        if there.get("required") and not known.get("required"):
            yield f"{where}: a body is required"
        for kind, content in known.get("content", {}).items():
            if kind not in there.get("content", {}):
                yield f"{where}: no longer takes {kind}"
                continue
            yield from self._taken(where, content["schema"], there["content"][kind]["schema"])

    def _answers(self, where: str, before: Node, now: Node) -> Iterator[str]:
        for status, answer in before["responses"].items():
            there = now["responses"].get(status)
            if there is None:
                yield f"{where}: no longer answers {status}"
                continue
            for kind, content in answer.get("content", {}).items():
                if kind not in there.get("content", {}):
                    yield f"{where} {status}: no longer gives {kind}"
                    continue
                new = there["content"][kind]["schema"]
                yield from self._given(f"{where} {status}", content["schema"], new)

    def _taken(self, where: str, before: Node, now: Node) -> Iterator[str]:
        """Whatever fitted before must fit now."""
        if self._is_known(before, now, taken=True):
            return
        before, now = _resolved(before, self.earlier), _resolved(now, self.later)
        if lost := self._kinds(before, self.earlier) - self._kinds(now, self.later):
            yield f"{where}: no longer takes {_said(lost)}"
        for name in _MOST:
            if name in now and now[name] < before.get(name, float("inf")):
                yield f"{where}: {name} is less"
        for name in _LEAST:
            if name in now and now[name] > before.get(name, float("-inf")):
                yield f"{where}: {name} is more"
        for name in set(now.get("required", ())) - set(before.get("required", ())):
            yield f"{where}: {name} is required"
        yield from self._parts(where, before, now, taken=True)

    def _given(self, where: str, before: Node, now: Node) -> Iterator[str]:
        """Whatever is given now must have been possible before."""
        if self._is_known(before, now, taken=False):
            return
        before, now = _resolved(before, self.earlier), _resolved(now, self.later)
        if new := self._kinds(now, self.later) - self._kinds(before, self.earlier):
            yield f"{where}: may be {_said(new)}"
        for name in set(before.get("required", ())) - set(now.get("required", ())):
            yield f"{where}: {name} may be missing"
        yield from self._parts(where, before, now, taken=False)

    def _parts(self, where: str, before: Node, now: Node, *, taken: bool) -> Iterator[str]:
        compare = self._taken if taken else self._given
        there = now.get("properties", {})
        for name, one in before.get("properties", {}).items():
            if name not in there:
                yield f"{where}: {name} is gone"
            else:
                yield from compare(f"{where}.{name}", one, there[name])
        if "items" in before and "items" in now:
            yield from compare(f"{where}[]", before["items"], now["items"])
        known = [_resolved(one, self.earlier) for one in before.get("anyOf", ())]
        for one in known:
            for other in (_resolved(one, self.later) for one in now.get("anyOf", ())):
                if one.get("title") == other.get("title") and "properties" in one:
                    yield from compare(where, one, other)

    def _kinds(self, node: Node, document: Node) -> frozenset[str]:
        """The types of a value, and its values where they are listed; none where it may be all."""
        node = _resolved(node, document)
        if "enum" in node:
            return frozenset(map(repr, node["enum"]))
        if "const" in node:
            return frozenset([repr(node["const"])])
        if "anyOf" in node:
            return frozenset().union(*(self._kinds(one, document) for one in node["anyOf"]))
        kind = node.get("type")
        return frozenset([f"{kind} {node.get('format', '')}".strip()] if kind else [])

    def _is_known(self, before: Node, now: Node, *, taken: bool) -> bool:
        """Whether these two were compared already: types may contain themselves."""
        if "$ref" not in before or "$ref" not in now:
            return False
        key = (before["$ref"], now["$ref"], taken)
        if key in self.compared:
            return True
        self.compared.add(key)
        return False


def _resolved(node: Node, document: Node) -> Node:
    while "$ref" in node or len(node.get("allOf", ())) == 1:
        if "$ref" not in node:
            node = node["allOf"][0]
            continue
        name = node["$ref"].rpartition("/")[2]
        node = document["components"]["schemas"][name]
    return node


def _said(kinds: frozenset[str]) -> str:
    return ", ".join(sorted(kinds))
