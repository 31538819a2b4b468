//! `ballast attack`: exit codes, and finds that `ballast exec` runs.

mod support;

use serde_json::Value;
use std::fs;
use support::ballast;

/// A coin worth 1.80 dollars is lent for a dollar.
const HOLE: &str = r#"{"oracle": {"par_tolerance": "0.9"},
    "prices": {"USDC": "1.8", "ETH": "3400", "SOL": "52", "BNB": "510", "MATIC": "2"}}"#;

#[test]
fn a_find_is_a_script_that_exec_runs() {
    let folder = std::env::temp_dir().join(format!("ballast-attack-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let house = folder.join("house.json");
    fs::write(&house, HOLE).unwrap();
    let (house, out) = (house.to_str().unwrap(), folder.to_str().unwrap());
    let found = ballast(
        &["attack", "--runs", "1024", "--field", "calm", "--genesis", house, "--out", out, "--json"],
        "",
    );
    assert_eq!(found.status.code(), Some(1), "{}", String::from_utf8_lossy(&found.stderr));
    let told: Value = serde_json::from_slice(&found.stdout).unwrap();
    let best = &told["attack"]["finds"][0];
    assert_eq!(best["field"], "calm");

    let script = folder.join("find-1.jsonl");
    let ran = ballast(&["exec", script.to_str().unwrap()], "");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let answers = String::from_utf8(ran.stdout).unwrap();
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // The attacker's accounts are shown.
    assert!(answers.iter().any(|answer| answer["show"]["equity"].is_string()));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nothing_found_is_success() {
    let nothing =
        ballast(&["attack", "--runs", "1", "--field", "calm", "--above", "1000000000", "--json"], "");
    assert_eq!(nothing.status.code(), Some(0), "{}", String::from_utf8_lossy(&nothing.stderr));
    let told: Value = serde_json::from_slice(&nothing.stdout).unwrap();
    assert_eq!(told["attack"]["runs"], 128);
}

#[test]
fn bad_input_is_named() {
    for (args, word) in [
        (vec!["attack"], "--seconds"),
        (vec!["attack", "--runs", "1", "--field", "stormy"], "calm, swing, jump, silent"),
        (vec!["attack", "--runs", "1", "--genesis", "nowhere.toml"], "nowhere.toml"),
    ] {
        let output = ballast(&args, "");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(errors.contains(word), "{args:?}: {errors}");
    }
}
