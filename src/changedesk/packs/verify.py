"""What the parts of a merged pack must agree on: a rule that names a statement needs that statement, and so
on.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from changedesk.base.actor import ActorType, Channel
from changedesk.packs.pack import Pack
from changedesk.packs.parse import PackInvalid
from changedesk.rules import obligations as duty
from changedesk.rules.deadline import calendars
from changedesk.rules.fields import Field, FieldType
from changedesk.rules.identity import Method
from changedesk.rules.policy import Rule, require_consistent

LANGUAGES: Final = ("en", "de", "ar")
_PATH: Final = re.compile(r"[a-z]+(\.([a-z_]+|[0-9]+))+")
_CATEGORY: Final = re.compile(r"\*|[a-z]+(\.[a-z_]+)*(\.\*)?")
_JURISDICTION: Final = re.compile(r"EU|[A-Z]{2}(-[A-Z0-9]{1,3})?")
_SUBJECTS: Final = ("customer", "account", "any")
# fmt: off
_OPERATIONS: Final = (
    "create", "update", "remove", "change", "correct", "revert", "opt_in", "opt_out", "activate", "suspend",
    "reinstate", "deactivate", "reactivate", "close", "reopen", "lock", "unlock", "hold", "release", "upgrade",
    "downgrade", "change_cycle", "change_addons", "start_reset", "set", "grant", "revoke", "register", "replace",
    "enrol", "leave",
)
# fmt: on
"""What a rule may call a deed: the operations of the kinds, and what is done where a kind names none."""


def check(pack: Pack) -> None:
    """Return if a pack holds together. Raises PackInvalid; RulesContradict when two rules cannot both be
    kept.
    """
    for field in pack.catalogue:
        _check_field(field)
        _among([field.tells] if field.tells else [], pack.attributes, f"field {field.path}.tells")
    for statement in pack.statements.values():
        _in_all_languages(statement.wording, f"statement {statement.id}")
    for reason in pack.reason_codes.values():
        _in_all_languages(reason.label, f"reason {reason.code}")
    for rule in pack.rules:
        check_rule(rule, pack)
    require_consistent(pack.rules, industries=pack.industries)


def check_rule(rule: Rule, pack: Pack) -> None:
    """Return if everything that a rule names is there in the pack. Raises PackInvalid."""
    _check_scope(rule, pack)
    for obligation in rule.obligations:
        _check_obligation(obligation, rule, pack)


def _in_all_languages(texts: Mapping[str, str], where: str) -> None:
    for language in LANGUAGES:
        if not texts.get(language, "").strip():
            raise PackInvalid(f"{where}: has no text in {language}")


def _check_field(field: Field) -> None:
    where = f"field {field.path}"
    if not _PATH.fullmatch(field.path):
        raise PackInvalid(f"{where}: a path is small letters and underscores with a dot between, such as contact.email")
    _among([field.subject], _SUBJECTS, f"{where}.subject")
    if not _CATEGORY.fullmatch(field.category) or "*" in field.category:
        raise PackInvalid(f"{where}.category: {field.category!r} is not a category")
    _in_all_languages(field.label, where)
    if field.type in (FieldType.ENUM, FieldType.MULTI_ENUM) and not field.options:
        raise PackInvalid(f"{where}.options: an enum needs options")
    if field.tells_hours and (field.type is not FieldType.DATE or not field.tells):
        raise PackInvalid(f"{where}.tells_hours: only a day that tells something lies so many hours ahead")
    for code, labels in field.options.items():
        _in_all_languages(labels, f"{where}.options.{code}")


def _check_scope(rule: Rule, pack: Pack) -> None:
    where, scope = f"rule {rule.id}.scope", rule.scope
    _among(scope.operations, _OPERATIONS, f"{where}.operations")
    _among(scope.channels, [channel.value for channel in Channel], f"{where}.channels")
    _among(scope.actors, [actor.value for actor in ActorType], f"{where}.actors")
    _among(scope.attributes, pack.attributes, f"{where}.attributes")
    _among(scope.except_reasons, pack.reason_codes, f"{where}.except_reasons")
    for category in [*scope.categories, *scope.except_categories, *scope.changed_within]:
        if not _CATEGORY.fullmatch(category):
            raise PackInvalid(f"{where}.categories: {category!r} is not a category, a branch of them, or *")
    for jurisdiction in scope.jurisdictions:
        if not _JURISDICTION.fullmatch(jurisdiction):
            raise PackInvalid(f"{where}.jurisdictions: {jurisdiction!r} is not EU or an ISO 3166 code")


def _check_obligation(obligation: duty.Obligation, rule: Rule, pack: Pack) -> None:
    where = f"rule {rule.id}"
    match obligation:
        case duty.Consent():
            _among([obligation.statement], [name for name, _ in pack.statements], f"{where}.consent")
        case duty.Retain():
            _among([obligation.retention_class], pack.retention, f"{where}.retain")
        case duty.Respond():
            _among([obligation.calendar], calendars(), f"{where}.respond.calendar")
        case duty.Verify():
            _among(obligation.forbid, list(Method), f"{where}.verify.forbid")
        case _:
            pass


def _among(words: Iterable[str], known: Iterable[str], where: str) -> None:
    allowed = list(known)
    for word in words:
        if word not in allowed:
            raise PackInvalid(f"{where}: {word!r} is not one of {', '.join(allowed)}")
