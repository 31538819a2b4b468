//! The catalogue of rejects: stable codes, one row each in `docs/rejects.md`.

use ballast_types::{AccountId, Reject, RejectInfo};
use ballast_units::Usd;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// A code's hundred: what its rejects are about.
const HUNDREDS: [(&str, &str); 9] = [
    ("E10", "Amounts and names"),
    ("E11", "Prices"),
    ("E12", "Observations"),
    ("E20", "Trading"),
    ("E21", "Liquidation"),
    ("E22", "Tasks"),
    ("E30", "Custody and credit"),
    ("E40", "Listing and governance"),
    ("E50", "Keepers"),
];

fn hundred(info: &RejectInfo) -> &'static str {
    info.code.get(..3).expect("a letter and four digits")
}

#[test]
fn codes_are_a_letter_and_four_digits_and_unique() {
    let mut codes = BTreeSet::new();
    let mut names = BTreeSet::new();
    for info in Reject::CATALOG {
        let digits = info.code.strip_prefix('E').expect("an E");
        assert!(digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit()), "{}", info.code);
        assert!(codes.insert(info.code), "{} is given twice", info.code);
        assert!(names.insert(info.name), "{} is named twice", info.name);
    }
}

#[test]
fn codes_ascend_in_order_of_checking() {
    for pair in Reject::CATALOG.windows(2) {
        let [before, after] = pair else { unreachable!("windows of two") };
        assert!(
            before.code < after.code,
            "{} {} stands before {} {}",
            before.code,
            before.name,
            after.code,
            after.name
        );
    }
}

#[test]
fn meanings_are_sentences() {
    for info in Reject::CATALOG {
        let one_line = !info.meaning.contains(['\n', '|']);
        assert!(one_line && info.meaning.ends_with('.'), "{}: {:?}", info.code, info.meaning);
    }
}

#[test]
fn a_reject_knows_its_row() {
    let reject = Reject::AccountHealthy { account: AccountId(7), health: Usd::whole(200) };
    assert_eq!((reject.code(), reject.name(), reject.transient()), ("E2104", "AccountHealthy", true));
    let text = "E2104 AccountHealthy account=7 health=200: The account is healthy and cannot be liquidated.";
    assert_eq!(reject.to_string(), text);
}

/// `docs/rejects.md` is this table and nothing else; `UPDATE_DOCS=1 cargo test` writes it.
#[test]
fn the_documentation_lists_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rejects.md");
    let text = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &text).expect("docs can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text,
        "docs/rejects.md differs from the catalogue: UPDATE_DOCS=1 cargo test -p ballast-types"
    );
}

fn document() -> String {
    let mut text = String::from(
        "# Rejects\n\n\
         Why a command, a price or an observation was refused. Nothing was changed. A code is never reused. The order\n\
         is the order in which checks are made. *Transient*: the same command may pass later, unchanged.\n\n\
         Written from `Reject::CATALOG` by `UPDATE_DOCS=1 cargo test -p ballast-types`; `make test` compares.\n",
    );
    let mut last = "";
    for info in Reject::CATALOG {
        if hundred(info) != last {
            last = hundred(info);
            let (_, title) = HUNDREDS.iter().find(|(of, _)| *of == last).expect("every hundred has a title");
            write!(
                text,
                "\n## {last}xx {title}\n\n| code | name | transient | meaning |\n| --- | --- | --- | --- |\n"
            )
            .expect("memory takes all text");
        }
        let transient = if info.transient { "yes" } else { "" };
        writeln!(text, "| {} | {} | {transient} | {} |", info.code, info.name, info.meaning)
            .expect("memory takes all text");
    }
    text
}
