//! `ballast attack`: exit codes and bad input.

mod support;

use serde_json::Value;
use support::ballast;

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
