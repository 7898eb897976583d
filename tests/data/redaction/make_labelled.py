"""Makes labelled.jsonl: `pip install faker==40.54.0`, then `python make_labelled.py > labelled.jsonl` here.

The values come from Faker, not from the rules under test; the sentences around them from this file.
"""

from __future__ import annotations

import json
import random
import sys

from faker import Faker

SENTENCES = [
    "{}", "My details: {}.", "Please use {} from now on", "it says {}, but that is wrong", "({})",
    "Hi team,\n\nhere it is: {}\n\nThanks!", "I gave you {} twice already!!", "value={}; rest unchanged",
    '"{}" was in the log', "was soll {} bedeuten?", "Can you check {} and tell me what happened?", "-> {} <-",
]  # fmt: skip
NEGATIVES = [
    "The total is {n}.{n2} after tax.", "Order {n7} shipped on {d}.", "We sold {n} units in {y}, up from {n2}.",
    "Version {a}.{b}.{c} fixes it; so does v{a}.{b}.{c}.{e}.", "The meeting is at {h}:{m}:{s} in room {n}.",
    "Ratio {n}/{n2}, p = 0.{n7}{n}.", "ISBN 978-{a}-{n}-{n2}-{b}, page {n}.", "std::vector<int> x{{{n}, {n2}}};",
    "Your password is required to sign in.", "The secret ingredient is patience.", "token bucket of {n} per minute",
    "Invoice {y}-{n7} is open since {d}.", "See https://example.com/page?id={n}&lang=en#top",
    "mention @someone in #{n}",
    "lat {n2}.{n7}, lon -{b}.{n7}", "GB{n} is a road, DE{n2} a model.", "Batch {n7}{n7}{n} of {n2} kg",
    "5 - 3 = 2, {n} - {n2} = x",
]  # fmt: skip


def iban(fake: Faker, rng: random.Random) -> str:
    value = Faker(rng.choice(["de_DE", "en_GB", "fr_FR", "es_ES", "nl_NL", "it_IT", "pl_PL"]))
    value.seed_instance(rng.random())
    text = value.iban()
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4)) if rng.random() < 0.5 else text


def card(fake: Faker, rng: random.Random) -> str:
    digits = fake.credit_card_number(rng.choice(["visa16", "mastercard", "amex", "discover"]))
    sign = rng.choice(["", " ", "-"])
    return sign.join(digits[i : i + 4] for i in range(0, len(digits), 4))


def phone(fake: Faker, rng: random.Random) -> str:
    local = Faker(rng.choice(["en_US", "en_GB", "de_DE", "fr_FR", "nl_NL"]))
    local.seed_instance(rng.random())
    return local.phone_number()


def secret(fake: Faker, rng: random.Random) -> str:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    some = lambda n: "".join(rng.choices(letters, k=n))  # noqa: E731
    upper = "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))
    return rng.choice(
        [f"sk-proj-{some(40)}", f"ghp_{some(36)}", f"AKIA{upper}", f"xoxb-{some(12)}-{some(24)}", f"AIza{some(35)}",
         f"eyJ{some(20)}.eyJ{some(40)}.{some(43)}", f"sk_live_{some(24)}", f"glpat-{some(20)}", f"hf_{some(34)}"]
    )  # fmt: skip


def url_token(fake: Faker, rng: random.Random) -> tuple[str, str]:
    name = rng.choice(["token", "access_token", "api_key", "sig", "session_id", "code"])
    value = fake.sha1() if rng.random() < 0.5 else fake.uuid4()
    return f"https://{fake.domain_name()}/cb?lang=de&{name}={value}&x=1", value


MAKERS = {
    "EMAIL": lambda fake, rng: rng.choice([fake.email, fake.company_email, fake.ascii_free_email])(),
    "CARD": card,
    "IBAN": iban,
    "IP": lambda fake, rng: fake.ipv6() if rng.random() < 0.4 else fake.ipv4_public(),
    "SSN": lambda fake, rng: fake.ssn(),
    "PHONE": phone,
    "SECRET": secret,
    "URL_TOKEN": url_token,
}


def main() -> None:
    rng = random.Random(20261121)
    fake = Faker("en_US")
    Faker.seed(20261121)
    for kind, make in MAKERS.items():
        for _ in range(60):
            made = make(fake, rng)
            shown, value = made if isinstance(made, tuple) else (made, made)
            write(rng.choice(SENTENCES).format(shown), kind, value)
    for index in range(240):
        numbers = {
            "n": rng.randint(2, 999), "n2": rng.randint(10, 99), "n7": rng.randint(10**6, 10**7 - 1),
            "a": rng.randint(0, 9),
            "b": rng.randint(0, 20), "c": rng.randint(0, 60), "e": rng.randint(0, 9), "h": rng.randint(0, 23),
            "m": f"{rng.randint(0, 59):02}", "s": f"{rng.randint(0, 59):02}", "y": rng.randint(1950, 2030),
            "d": fake.date(),
        }  # fmt: skip
        write(NEGATIVES[index % len(NEGATIVES)].format(**numbers), "", "")


def write(text: str, kind: str, value: str) -> None:
    sys.stdout.write(json.dumps({"text": text, "kind": kind, "value": value}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
