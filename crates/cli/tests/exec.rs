//! Every script of `tests/scenarios` against its golden answers, `<name>.out.jsonl`. `UPDATE_GOLDEN=1` rewrites
//! them.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use support::{ballast, scenarios};

fn scripts() -> Vec<PathBuf> {
    let files = fs::read_dir(scenarios()).unwrap().map(|entry| entry.unwrap().path());
    let is_script = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".jsonl") && !name.ends_with(".out.jsonl")
    };
    let mut scripts: Vec<_> = files.filter(is_script).collect();
    scripts.sort();
    assert!(!scripts.is_empty());
    scripts
}

fn run(script: &Path) -> String {
    let output = ballast(&["exec", script.to_str().unwrap()], "");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", script.display());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn scripts_give_their_golden_answers() {
    let mut different = Vec::new();
    for script in scripts() {
        let golden = script.with_extension("out.jsonl");
        let answers = run(&script);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &answers).unwrap();
            continue;
        }
        let want = fs::read_to_string(&golden).unwrap_or_default();
        if let Some((number, (found, want))) =
            answers.lines().zip(want.lines()).enumerate().find(|(_, (found, want))| found != want)
        {
            different.push(format!("{}:{}:\n  found {found}\n  want  {want}", golden.display(), number + 1));
        } else if answers != want {
            let (found, want) = (answers.lines().count(), want.lines().count());
            different.push(format!("{}: found {found} lines, want {want}", golden.display()));
        }
    }
    assert!(
        different.is_empty(),
        "answers have changed (UPDATE_GOLDEN=1 rewrites them):\n{}",
        different.join("\n")
    );
}

#[test]
fn the_same_script_gives_the_same_bytes() {
    for script in scripts() {
        assert_eq!(run(&script), run(&script), "{}", script.display());
    }
}

#[test]
fn every_line_has_an_answer() {
    for script in scripts() {
        let answered: Vec<u64> = run(&script)
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["line"].as_u64().unwrap())
            .collect();
        let text = fs::read_to_string(&script).unwrap();
        for (line, _) in (1..).zip(text.lines()).filter(|(_, text)| text.starts_with('{')) {
            assert!(answered.contains(&line), "{}:{line} has no answer", script.display());
        }
        assert!(answered.is_sorted(), "{}: answers out of order", script.display());
    }
}
