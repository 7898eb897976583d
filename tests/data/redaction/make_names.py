"""Makes names.jsonl: `pip install faker==40.54.0`, then `python make_names.py > names.jsonl` here.

The names come from Faker's lists for eleven countries, not from the list under test; the sentences are of this file.
Each line: `text`, `group` (which difficulty), `value` (the name that must not remain; empty: no person is named).
"""

from __future__ import annotations

import json
import random
import sys

from faker import Faker

ENGLISH = ["en_US", "en_GB"]
ELSEWHERE = ["en_IN", "en_NG"]
OTHERS = ["de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "tr_TR"]
SENTENCES = [
    "Please send the invoice to {}.", "{} called twice about the refund.", "I spoke with {} yesterday, nobody helped.",
    "Assigned to: {}", "The account belongs to {} and is locked", "Can you ask {} to call me back?",
    "{}'s order never arrived!", "We met {} and the rest of the team in June.", "cc {}, please confirm",
]  # fmt: skip
INTRODUCED = [
    "Hello, my name is {} and I cannot log in.", "Dear {},\n\nyour parcel is late.", "Kind regards,\n{}",
    "Name: {}\nOrder: 4711", "Thanks, {}, that worked.", "Hi {}, any news?", "Mr. {} wants his money back.",
    "This is {} from the second floor.",
]  # fmt: skip
NOBODY = [
    "Kafka and Redis are down again in {city}.", "Claude answered better than Gemini did.",
    "The {company} invoice is open.",
    "Dear customer,\nyour parcel is late.", "Dear Sir or Madam, I want my money back.", "Hello Support, any news?",
    "I am Happy with the Product, thank you.", "We will meet in {city} in May or June.",
    "Will you be there? Mark it done.",
    "The {city} Airport bus was late.", "Thanks, Team!", "Grace period ends on Friday, Hope that helps.",
    "Open the Settings page, then Account Details.", "She may Bill me later, Frank opinions welcome.",
    "The Art Institute is on Lake Street.", "Django and Celery need Python 3.11.",
    "My order: Blue Jasmine Tea, Rose Oil.",
    "{company} has an office in {city}.", "Is New York further than San Francisco?", "Kind regards,\nThe Support Team",
    "I'm Using Windows and Chrome on my Dell laptop.", "It was Great, Thank You So Much", "name: invoice_2024.pdf",
    "This is Urgent, please Call Back Today.", "Visa and Mastercard were declined at Walmart.",
    "Merry Christmas to all!",
]  # fmt: skip


def main() -> None:
    rng = random.Random(20261121)
    for group, locales, sentences, whole in (
        ("full, US and GB", ENGLISH, SENTENCES, True), ("full, India and Nigeria", ELSEWHERE, SENTENCES, True),
        ("full, other languages", OTHERS, SENTENCES, True),
        ("first only, US and GB", ENGLISH, SENTENCES, False), ("introduced, full", [*ENGLISH, *ELSEWHERE, *OTHERS],
        INTRODUCED, True),
        ("introduced, first only", [*ENGLISH, *ELSEWHERE, *OTHERS], INTRODUCED[:2] + INTRODUCED[4:6], False),
        ("small letters, US and GB", ENGLISH, ["hi my name is {} and i cant log in", "my name's {} pls help"], True),
    ):  # fmt: skip
        for _ in range(100):
            fake = Faker(rng.choice(locales))
            fake.seed_instance(rng.random())
            name = f"{fake.first_name()} {fake.last_name()}" if whole else fake.first_name()
            name = name.lower() if group == "small letters" else name
            write(rng.choice(sentences).format(name), group, name)
    for index in range(260):
        fake = Faker("en_US")
        fake.seed_instance(rng.random())
        write(NOBODY[index % len(NOBODY)].format(city=fake.city(), company=f"{fake.last_name()} Ltd"), "nobody", "")


def write(text: str, group: str, value: str) -> None:
    sys.stdout.write(json.dumps({"text": text, "group": group, "value": value}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
