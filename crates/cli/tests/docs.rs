//! `docs/exec.md`: every example gives the answers that stand there, and every kind of line has one.
//! `UPDATE_GOLDEN=1` rewrites the answers.

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use support::{ballast, exec};

const IN: &str = "```jsonl in\n";
const OUT: &str = "```jsonl out\n";
const END: &str = "```\n";

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/exec.md")
}

/// The scripts of the page.
fn scripts(text: &str) -> Vec<&str> {
    text.split(IN).skip(1).map(|rest| rest.split_once(END).expect("a script ends").0).collect()
}

/// The page with the answers that its scripts give now.
fn answered(text: &str) -> String {
    let mut page = String::new();
    let mut rest = text;
    while let Some((before, script_on)) = rest.split_once(IN) {
        let (script, after) = script_on.split_once(END).expect("a script ends");
        let answers = exec(script);
        page += &format!("{before}{IN}{script}{END}\n{OUT}{answers}{END}");
        // The answers of before, where there were any.
        rest = match after.strip_prefix(&format!("\n{OUT}")) {
            Some(old) => old.split_once(END).expect("answers end").1,
            None => after,
        };
    }
    page + rest
}

#[test]
fn examples_give_their_answers() {
    let text = fs::read_to_string(page()).unwrap();
    let answered = answered(&text);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(page(), answered).unwrap();
        return;
    }
    let mut lines = answered.lines().zip(text.lines()).zip(1..);
    if let Some(((found, want), number)) =
        lines.find(|((found, want), _)| without_hash(found) != without_hash(want))
    {
        panic!("docs/exec.md:{number}: (UPDATE_GOLDEN=1 rewrites it)\n  found {found}\n  want  {want}");
    }
    assert_eq!(answered.lines().count(), text.lines().count());
}

/// A line without the digits of a state hash. They change with everything that the state records, which is not
/// what the page tells about.
fn without_hash(line: &str) -> String {
    match line.split_once(r#""state_hash":"0x"#) {
        Some((before, rest)) => {
            format!("{before}{}", rest.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()))
        }
        None => line.to_owned(),
    }
}

#[test]
fn every_kind_of_line_is_shown() {
    let schema: Value = serde_json::from_slice(&ballast(&["exec", "--schema"], "").stdout).unwrap();
    let text = fs::read_to_string(page()).unwrap();
    let lines: Vec<Value> = scripts(&text)
        .iter()
        .flat_map(|script| script.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let shown = |lines: &[&Value]| -> BTreeSet<String> {
        lines.iter().flat_map(|line| line.as_object().unwrap().keys().cloned()).collect()
    };
    let all: Vec<&Value> = lines.iter().collect();
    assert_eq!(shown(&all), kinds(&schema), "kinds of line");
    for kind in ["show", "govern"] {
        let of_kind: Vec<&Value> = all.iter().filter_map(|line| line.get(kind)).collect();
        let name = if kind == "show" { "Show" } else { "Govern" };
        assert_eq!(shown(&of_kind), kinds(&schema["$defs"][name]), "{kind}");
    }
}

/// The keys that an object of this schema can have, of which it has one.
fn kinds(schema: &Value) -> BTreeSet<String> {
    let cases = schema["oneOf"].as_array().expect("one of several");
    cases.iter().flat_map(|case| case["properties"].as_object().unwrap().keys().cloned()).collect()
}
