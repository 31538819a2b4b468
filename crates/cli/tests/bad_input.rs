//! Scripts that cannot be read: exit code 2, the line, what was expected. The lines before it have their answers.

mod support;

use support::ballast;

/// Runs a script whose last line is bad, and returns what is said of it.
#[track_caller]
fn refused(script: &str) -> String {
    let output = ballast(&["exec", "-"], script);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    let place = format!("error: stdin:{}: ", script.lines().count());
    errors.strip_prefix(&place).unwrap_or_else(|| panic!("expected {place:?}, found {errors:?}")).to_owned()
}

#[track_caller]
fn assert_refused(line: &str, want: &str) {
    let found = refused(line);
    assert!(found.contains(want), "{line}\nfound {found:?}\nwant  {want:?}");
}

#[test]
fn no_json() {
    assert_refused("hello", "expected a JSON object with one key, such as");
    assert_refused(r#"{"advance": {"seconds": 5}"#, "expected a JSON object with one key, such as");
    assert_refused(r#"["advance"]"#, "expected a JSON object with one key, such as");
}

#[test]
fn no_text() {
    let file = std::env::temp_dir().join(format!("ballast-bad-input-{}.jsonl", std::process::id()));
    std::fs::write(&file, b"{\"advance\": {\"seconds\": 5}}\n\xff\xfe\n").unwrap();
    let output = ballast(&["exec", file.to_str().unwrap()], "");
    std::fs::remove_file(&file).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains(&format!("{}:2: expected UTF-8 text", file.display())), "{errors}");
}

#[test]
fn no_file() {
    let output = ballast(&["exec", "no_such_script.jsonl"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no_such_script.jsonl"));
}

#[test]
fn no_kind() {
    assert_refused(
        r#"{"pryce": {"asset": "ETH"}}"#,
        "unknown key `pryce`, expected one of genesis, advance, price",
    );
    assert_refused("{}", "expected one key a line, found 0");
    let two = r#"{"advance": {"seconds": 5}, "price": {"asset": "ETH", "price": "5"}}"#;
    assert_refused(two, "expected one key a line, found 2: `advance`, `price`");
}

#[test]
fn unknown_and_missing_fields() {
    let line = r#"{"deposit": {"account": "a", "chain": "bsc", "asset": "USDC", "amout": "1"}}"#;
    assert_refused(
        line,
        "unknown field `amout`, expected one of `account`, `chain`, `asset`, `amount`, `final`",
    );
    assert_refused(line, r#"expected a line such as {"deposit": {"account": "alice""#);
    assert_refused(r#"{"lend": {"account": "a", "chain": "bsc"}}"#, "missing field `amount`");
    let twice = r#"{"advance": {"seconds": 5, "seconds": 6}}"#;
    assert_refused(twice, "duplicate field `seconds`");
}

#[test]
fn unknown_names() {
    assert_refused(
        r#"{"price": {"asset": "DOGE", "price": "1"}}"#,
        r#"unknown asset "DOGE", expected one of USDC, ETH"#,
    );
    let line = r#"{"deposit": {"account": "a", "chain": "avax", "asset": "ETH", "amount": "1"}}"#;
    assert_refused(line, r#"unknown chain "avax", expected one of ethereum, polygon, bsc, solana, layer2"#);
    assert_refused(
        r#"{"show": {"market": "DOGE"}}"#,
        r#"unknown market "DOGE", expected one of ETH, SOL, BNB, MATIC"#,
    );
    assert_refused(
        r#"{"deposit": {"account": "a/x", "chain": "bsc", "asset": "ETH", "amount": "1"}}"#,
        "subaccount",
    );
    assert_refused(
        r#"{"deposit": {"account": "", "chain": "bsc", "asset": "ETH", "amount": "1"}}"#,
        "account name",
    );
}

#[test]
fn prices_that_are_none() {
    let price = |price: &str| format!(r#"{{"price": {{"asset": "ETH", "price": {price}}}}}"#);
    assert_refused(&price("\"0\""), "must not be zero");
    assert_refused(&price("\"-5\""), "must not be negative");
    assert_refused(&price("\"ten\""), "not a decimal number");
    assert_refused(&price("\"1.0000000000000000001\""), "more than 18 digits");
    assert_refused(&price("1.5"), "expected Price as a decimal text");
    assert_refused(&price("\"1300000000\""), "beyond what is counted: at most 1237940039.285380274899124224");
}

#[test]
fn amounts_that_are_none() {
    let amount =
        |amount: &str| format!(r#"{{"lend": {{"account": "a", "chain": "bsc", "amount": {amount}}}}}"#);
    assert_refused(&amount("\"-1\""), "must not be negative");
    assert_refused(&amount("\"1e9\""), "not a decimal number");
    assert_refused(
        &amount("\"2000000000000000\""),
        "beyond what is counted: at most 1298074214633706.907132624082305024",
    );
    assert_refused(&amount("\"999999999999999999999999999999999999999\""), "out of range");
    assert_refused(&amount("null"), "expected Amount as a decimal text");
}

#[test]
fn time_does_not_go_back() {
    assert_refused(r#"{"advance": {"seconds": -1}}"#, "expected a whole number");
    assert_refused(r#"{"advance": {"seconds": 1.5}}"#, "expected a whole number");
    assert_refused(r#"{"advance": {"seconds": 999999999999}}"#, "expected at most 315576000 seconds");
}

#[test]
fn trades_of_nothing_or_of_two_amounts() {
    let trade = |amounts: &str| {
        format!(r#"{{"trade": {{"account": "a", "market": "ETH", "side": "long"{amounts}}}}}"#)
    };
    assert_refused(&trade(""), "expected one of `quote` and `base`, found neither");
    assert_refused(
        &trade(r#", "quote": "1", "base": "1""#),
        "expected one of `quote` and `base`, found both",
    );
    assert_refused(
        r#"{"trade": {"account": "a", "market": "ETH", "side": "up", "quote": "1"}}"#,
        "`long` or `short`",
    );
}

#[test]
fn layers_without_their_scope() {
    let line = |of: &str| format!(r#"{{"contribute": {{"account": "a", "amount": "1", "layer": {of}}}}}"#);
    assert_refused(&line(r#""tranche""#), "a tranche needs one of `market` and `chain`");
    assert_refused(&line(r#""budget", "chain": "bsc""#), "a budget needs `market` alone");
    assert_refused(&line(r#""float", "chain": "bsc""#), "the float has neither");
    assert_refused(
        &line(r#""cold""#),
        "unknown variant `cold`, expected one of `tranche`, `budget`, `float`",
    );
}

#[test]
fn a_genesis_that_is_not_first() {
    let script = "{\"show\": {\"house\": true}}\n{\"genesis\": {}}";
    assert!(refused(script).contains("genesis: expected as the first line only"));
}

#[test]
fn genesis_names_the_key_that_is_wrong() {
    let market = |more: &str| {
        let market = r#""asset": "ETH", "base_reserve": "100", "quote_reserve": "10000""#;
        format!(r#"{{"genesis": {{"markets": [{{{market}{more}}}]}}}}"#)
    };
    assert_refused(&market(r#", "fee_trade": "10""#), "markets[0].fee_trade: ");
    assert_refused(
        &market(r#", "bnd": "0.1""#),
        "markets[0]: unknown key `bnd`, expected one of asset, backstop_cap, band",
    );
    assert_refused(&market(r#", "depth": {"volum": "1"}"#), "markets[0].depth: unknown key `volum`");
    assert_refused(
        r#"{"genesis": {"markets": [{"asset": "ETH"}]}}"#,
        "markets[0]: expected the key `base_reserve`",
    );
    assert_refused(r#"{"genesis": {"markets": {}}}"#, "genesis.markets: expected a list of objects");
    assert_refused(r#"{"genesis": {"gards": false}}"#, "genesis: unknown key `gards`");
    assert_refused(r#"{"genesis": {"oracle": {"max_agee": 1}}}"#, "genesis.oracle: unknown key `max_agee`");
    assert_refused(r#"{"genesis": {"prices": {"DOGE": "1"}}}"#, r#"genesis.prices: unknown asset "DOGE""#);
    assert_refused(
        r#"{"genesis": {"chains": [{"name": "moon", "tokens": [{"assett": "ETH"}]}]}}"#,
        "tokens[0]",
    );
    assert_refused(r#"{"genesis": 5}"#, "expected an object, or the name of a .toml or .json file");
    assert_refused(r#"{"genesis": "no_such_genesis.toml"}"#, "no_such_genesis.toml");
}

#[test]
fn genesis_that_the_engine_refuses() {
    // Margins that do not cover the index's move, asked for with the listing check on.
    let line = r#"{"genesis": {"listing_check": true, "markets": [{"asset": "ETH", "base_reserve": "100", "quote_reserve": "10000", "margin_maintenance": "0.01"}]}}"#;
    assert_refused(line, "E4001 ListingMaintenance");
    let line = r#"{"genesis": {"chains": [{"name": "moon", "coin": "USDT", "tokens": []}]}}"#;
    assert_refused(line, "USDT");
}

#[test]
fn a_block_holds_no_time() {
    assert_refused(
        r#"{"block": [{"advance": {"seconds": 1}}]}"#,
        "expected neither genesis, advance, show nor a block",
    );
    assert_refused(r#"{"block": [{"block": []}]}"#, "expected neither genesis, advance, show nor a block");
    assert_refused(r#"{"block": [{"pryce": {}}]}"#, "unknown variant `pryce`");
}

#[test]
fn the_lines_before_are_answered() {
    let script =
        "{\"show\": {\"house\": true}}\n\n# a comment\n{\"price\": {}}\n{\"show\": {\"house\": true}}";
    let output = ballast(&["exec", "-"], script);
    assert_eq!(output.status.code(), Some(2));
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), 1, "{answers}");
    assert!(answers.starts_with(r#"{"line":1,"show":{"height""#), "{answers}");
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: stdin:4: missing field `asset`"));
}

#[test]
fn figures_beyond_the_books_are_rejects_not_errors() {
    let script = r#"{"lend": {"account": "nobody", "chain": "bsc", "amount": "1"}}"#;
    assert!(support::exec(script).contains(r#""reject":"E1004","name":"UnknownAccount","account":"nobody""#));
}

#[test]
fn every_hint_is_a_line_that_can_be_read() {
    let schema = ballast(&["exec", "--schema"], "").stdout;
    let schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
    let kinds = schema["oneOf"].as_array().unwrap().iter();
    let kinds: Vec<&String> = kinds.flat_map(|case| case["properties"].as_object().unwrap().keys()).collect();
    assert!(20 < kinds.len());
    // A genesis says itself what is wrong with it.
    for kind in kinds.into_iter().filter(|kind| *kind != "genesis") {
        let said = refused(&format!(r#"{{"{kind}": 5}}"#));
        let hint = said.split_once("expected a line such as ").unwrap_or_else(|| panic!("{kind}: {said}")).1;
        let output = ballast(&["exec", "-"], hint);
        assert!(output.status.success(), "{hint}{}", String::from_utf8_lossy(&output.stderr));
    }
}
