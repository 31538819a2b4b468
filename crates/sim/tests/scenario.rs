//! Scenarios: what is read, and what is said of what cannot be.

use ballast_sim::Scenario;
use ballast_units::{Amount, Time};
use std::path::Path;

fn parse(text: &str) -> Result<Scenario, String> {
    Scenario::parse(Path::new("s.toml"), text).map_err(|error| error.to_string())
}

#[track_caller]
fn assert_refused(text: &str, want: &str) {
    let found = parse(text).expect_err("it should be refused");
    assert!(found.contains(want), "found {found:?}\nwant  {want:?}");
}

fn file(name: &str) -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(name);
    Scenario::read(&file).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn nothing_is_the_default() {
    assert_eq!(parse("").unwrap(), Scenario::default());
    assert_eq!(Scenario::default().check(), Ok(()));
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    assert_eq!(file("default.toml"), Scenario::default());
}

#[test]
fn the_scenarios_that_come_along_are_read() {
    assert_eq!(file("bidders_away.toml").bidders_away.len(), 1);
    let thursday = file("black_thursday.toml");
    assert_eq!((thursday.bidders_away.len(), thursday.congestion.len()), (1, 1));
}

#[test]
fn moments_are_utc() {
    let from = |text: &str| parse(&format!("from = {text}\n")).map(|scenario| scenario.from);
    let noon = Some(Time::from_millis(1_621_425_600_000));
    assert_eq!(from("2021-05-19T12:00:00Z").unwrap(), noon);
    assert_eq!(from("2021-05-19T12:00:00").unwrap(), noon);
    assert_eq!(from("2021-05-19 12:00:00.250Z").unwrap(), Some(Time::from_millis(1_621_425_600_250)));
    assert_eq!(from("1970-01-01T00:00:00Z").unwrap(), Some(Time::ZERO));
    assert_eq!(from("2024-02-29T00:00:00Z").unwrap(), Some(Time::from_millis(1_709_164_800_000)));
    for other in ["2021-05-19", "12:00:00", "2021-05-19T12:00:00+02:00", "1969-12-31T23:59:59Z"] {
        let found = from(other).expect_err(other);
        assert!(found.starts_with("s.toml:1: ") && found.contains("such as 2021-05-19T12:00:00Z"), "{found}");
    }
    assert_refused("from = \"noon\"\n", "s.toml:1: ");
}

#[test]
fn what_cannot_be_read_is_named_with_its_line() {
    assert_refused("accounts = 5\nacounts = 6\n", "s.toml:2: unknown field `acounts`");
    assert_refused("[bidders]\nnumbr = 6\n", "s.toml:2: unknown field `numbr`");
    assert_refused("\n\naccounts = \"many\"\n", "s.toml:3: invalid type");
    assert_refused("accounts = \n", "s.toml:1: ");
    assert_refused("[layers]\nfloat = \"-5\"\n", "s.toml:2: ");
}

#[test]
fn figures_out_of_range_are_named_with_their_line() {
    assert_refused("name = \"x\"\naccounts = 0\n", "s.toml:2: accounts is 0; expected 1 to 10,000,000");
    assert_refused("block_time = 99\n", "s.toml:1: block_time is 99; expected 100 to 60,000 ms");
    assert_refused("[probe]\nevery = 1\n", "s.toml:2: probe.every is 1; expected at least block_time");
    assert_refused(
        "from = 2021-05-19T12:00:00Z\nto = 2021-05-19T12:00:00Z\n",
        "s.toml:2: to is 1621425600000; expected a moment after from",
    );
    assert_refused(
        "[people]\nborrowers = \"1.5\"\n",
        "s.toml:2: people.borrowers is 1.5; expected a share from 0 to 1",
    );
    assert_refused(
        "[people]\nborrowers = \"0.9\"\n",
        "s.toml:1: people is 1.29; expected shares that add up to",
    );
    assert_refused(
        "[borrowers]\npool_use = \"0\"\n",
        "s.toml:2: borrowers.pool_use is 0; expected a share above zero",
    );
    assert_refused(
        "[borrowers]\nalarm = [\"0.9\", \"1.2\"]\n",
        "s.toml:2: borrowers.alarm is 0.9; expected least",
    );
    assert_refused(
        "[bidders]\ndiscount = [\"0.2\", \"0.1\"]\n",
        "s.toml:2: bidders.discount is 0.1; expected least",
    );
    assert_refused(
        "[bidders]\nlatency = [9, 8]\n",
        "s.toml:2: bidders.latency is 9 to 8; expected least, then most",
    );
    assert_refused("[traders]\nleverage = []\n", "s.toml:2: traders.leverage is []; expected whole numbers");
    assert_refused(
        "[traders]\nleverage = [0]\n",
        "s.toml:2: traders.leverage is [0]; expected whole numbers",
    );
    assert_refused(
        "[makers]\ncapital = \"1000000000001\"\n",
        "s.toml:2: makers.capital is 1000000000001; expected",
    );
    assert_refused(
        "[chain_weights]\nethereum = 0\n",
        "s.toml:1: chain_weights is without any weight; expected one chain",
    );
    assert_refused(
        "[chains.ethereum]\nsafe_depth = 40\nfinal_depth = 20\n",
        "s.toml:1: chains.ethereum is 20; expected final_depth >= safe_depth",
    );
    let away = "accounts = 7\n[[bidders_away]]\nfrom = 2021-05-19T12:00:00Z\nto = 2021-05-19T11:00:00Z\nshare = \"1\"\n";
    assert_refused(away, "s.toml:2: bidders_away is 1621422000000; expected to after from");
}

#[test]
fn totals_follow_the_number_of_accounts() {
    let scaled = |accounts: u32| {
        Scenario { accounts, ..Scenario::default() }.scaled(Amount::whole(3_000_000)).to_string()
    };
    assert_eq!(scaled(100_000), "3000000");
    assert_eq!(scaled(20_000), "600000");
    assert_eq!(scaled(1), "30");
}
