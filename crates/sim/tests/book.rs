//! Books: what is drawn from them, and every way a file can be bad, with file and line.

use std::fs;
use std::path::PathBuf;

use ballast_sim::book::{Book, BookError, BookFault, Borrower, HEALTHS, SIZES};
use ballast_sim::seed::Seed;
use ballast_units::{Amount, Bps};

const HEADER: &str = "user,collateral_eth,debt_eth,liq_threshold_bps,ltv_bps,health_factor";

/// A file of this test alone, gone at its end.
struct File(PathBuf);

impl File {
    fn new(test: &str, text: &str) -> File {
        let path = std::env::temp_dir().join(format!("ballast-sim-{}-{test}.csv", std::process::id()));
        fs::write(&path, text).unwrap();
        File(path)
    }

    /// What reading it says: text, line and fault.
    fn fault(&self) -> (String, usize, BookFault) {
        let error = Book::from_csv(&self.0).unwrap_err();
        let said = error.to_string();
        match error {
            BookError::Line { file, line, fault } => {
                assert_eq!(file, self.0);
                assert!(said.starts_with(&format!("{}:{line}: ", file.display())), "{said}");
                assert!(said.contains("expected"), "{said}");
                (said, line, fault)
            }
            other => panic!("not about a line: {other}"),
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Left behind if it cannot be removed: no test depends on that.
        let _ = fs::remove_file(&self.0);
    }
}

fn draw(book: &Book, seed: u64, count: usize) -> Vec<Borrower> {
    let mut stream = Seed::new(seed).stream("book");
    (0..count).map(|_| book.sample(&mut stream)).collect()
}

#[test]
fn reads_pairs_of_size_and_health() {
    let text = format!("{HEADER}\na,2,0.8,8300,7200,2.07519\nb,0.5,0,8300,7200,778132294.104\n");
    let file = File::new("pairs", &text);
    let book = Book::from_csv(&file.0).unwrap();
    assert_eq!(book.rows(), Some(2));
    // At 1,850 dollars a coin; the second one's health is held at a hundredfold.
    let large = Borrower { collateral_usd: Amount::whole(3_700), health: Bps::new(20_751) };
    let small = Borrower { collateral_usd: Amount::whole(925), health: Bps::MAX };
    let drawn = draw(&book, 1, 100);
    assert!(drawn.contains(&large) && drawn.contains(&small));
    assert!(drawn.iter().all(|borrower| [large, small].contains(borrower)));
}

#[test]
fn debt_follows_from_health() {
    // 3,700 dollars at a threshold of 83 % carry 3,071 dollars of debt; at health 2 it is half of that.
    let borrower = Borrower { collateral_usd: Amount::whole(3_700), health: Bps::new(20_000) };
    assert_eq!(borrower.debt_usd(Bps::new(8_300)), Ok("1535.5".parse().unwrap()));
    let nobody = Borrower { health: Bps::ZERO, ..borrower };
    assert!(nobody.debt_usd(Bps::new(8_300)).is_err());
}

#[test]
fn built_in_follows_its_quantiles() {
    let book = Book::built_in();
    assert_eq!(book.rows(), None);
    let drawn = draw(&book, 5, 40_000);
    let share_below =
        |of: &dyn Fn(&Borrower) -> bool| drawn.iter().filter(|b| of(b)).count() as u64 * 1_000 / 40_000;
    for (share, dollars) in SIZES.into_iter().filter(|(share, _)| 100 < *share) {
        let below = share_below(&|b| b.collateral_usd < Amount::whole(dollars));
        // One standard deviation is at most 2.5 per mille.
        assert!(below.abs_diff(share) <= 10, "{below} per mille below {dollars}, told {share}");
    }
    for (share, bps) in HEALTHS {
        let below = share_below(&|b| u64::from(b.health.get()) < bps);
        assert!(below.abs_diff(share) <= 10, "{below} per mille below {bps}, told {share}");
    }
    assert!(drawn.iter().all(|b| Amount::whole(200) <= b.collateral_usd && Bps::new(10_200) <= b.health));
}

#[test]
fn quantiles_rise() {
    for table in [SIZES, HEALTHS] {
        assert!(table.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
        assert_eq!((table[0].0, table[20].0), (0, 1_000));
    }
}

#[test]
fn one_seed_draws_one_book() {
    let book = Book::built_in();
    assert_eq!(draw(&book, 1, 1_000), draw(&book, 1, 1_000));
    assert_ne!(draw(&book, 1, 10), draw(&book, 2, 10));
}

#[test]
fn rejects_a_file_that_is_not_there() {
    let file = File::new("absent", "");
    let path = file.0.with_extension("nowhere");
    let error = Book::from_csv(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: cannot read the file", path.display()));
}

#[test]
fn rejects_an_empty_file() {
    let (_, line, fault) = File::new("empty", "").fault();
    assert_eq!((line, fault), (1, BookFault::Empty { expected: "a header" }));
    let (_, line, fault) = File::new("header_only", &format!("{HEADER}\n")).fault();
    assert_eq!((line, fault), (2, BookFault::Empty { expected: "a borrower" }));
}

#[test]
fn rejects_a_missing_column() {
    let (_, line, fault) = File::new("no_size", "user,health_factor\na,2\n").fault();
    assert_eq!((line, fault), (1, BookFault::NoColumn { column: "collateral_eth" }));
    let (_, line, fault) = File::new("no_health", "user,collateral_eth\na,2\n").fault();
    assert_eq!((line, fault), (1, BookFault::NoColumn { column: "health_factor" }));
}

#[test]
fn rejects_a_wrong_column_count() {
    let text = format!("{HEADER}\na,1,0,8300,7200,2\nb,1,0,8300\n");
    let (_, line, fault) = File::new("columns", &text).fault();
    assert_eq!((line, fault), (3, BookFault::ColumnCount { found: 4, expected: 6 }));
}

#[test]
fn rejects_numbers_that_are_not_above_zero() {
    let cases = [
        ("x,0,8300,7200,2", "collateral_eth", "x"),
        ("0,0,8300,7200,2", "collateral_eth", "0"),
        ("-1,0,8300,7200,2", "collateral_eth", "-1"),
        ("1,0,8300,7200,", "health_factor", ""),
        ("1,0,8300,7200,inf", "health_factor", "inf"),
        ("1,0,8300,7200,0.0", "health_factor", "0.0"),
    ];
    for (number, (row, column, found)) in cases.into_iter().enumerate() {
        let file = File::new(&format!("number_{number}"), &format!("{HEADER}\na,{row}\n"));
        let (_, line, fault) = file.fault();
        assert_eq!((line, fault), (2, BookFault::Number { column, found: found.into() }));
    }
}

#[test]
fn rejects_a_collateral_out_of_range() {
    // 10^12 coins at 1,850 dollars are 1.85e15 dollars; an amount may be 1.29e15.
    let file = File::new("range", &format!("{HEADER}\na,1000000000000,0,8300,7200,2\n"));
    let (_, line, fault) = file.fault();
    let found = "1000000000000".into();
    assert_eq!((line, fault), (2, BookFault::OutOfRange { column: "collateral_eth", found }));
}

#[test]
fn real_book_reads_whole_and_resembles_the_built_in_one() {
    let Some(data) = std::env::var_os("BALLAST_DATA").map(PathBuf::from) else {
        println!("skipped: BALLAST_DATA is not set");
        return;
    };
    let book = Book::from_csv(&data.join("positions").join("aave_v2_steth_borrowers_2023-06.csv")).unwrap();
    assert_eq!(book.rows(), Some(1_309));
    let median = |book: &Book, of: fn(&Borrower) -> u128| {
        let mut drawn: Vec<u128> = draw(book, 1, 10_001).iter().map(of).collect();
        drawn.sort_unstable();
        drawn[5_000] as f64
    };
    let sizes = [&book, &Book::built_in()].map(|book| median(book, |b| b.collateral_usd.wei()));
    let healths = [&book, &Book::built_in()].map(|book| median(book, |b| u128::from(b.health.get())));
    assert!((0.7..1.4).contains(&(sizes[0] / sizes[1])), "{sizes:?}");
    assert!((0.9..1.1).contains(&(healths[0] / healths[1])), "{healths:?}");
}
