//! Decimal text, serde and borsh: exact both ways, and what is refused.

mod oracle;

use ballast_units::{Amount, Bps, Millis, ParseError, Price, Ratio, Size, Time, Usd};
use oracle::{i128s, prices, u64s, u128s};
use proptest::prelude::*;

macro_rules! round_trip {
    ($test:ident, $name:ident, $values:expr, $make:expr) => {
        proptest! {
            #[test]
            fn $test(wei in $values) {
                let value: $name = $make(wei);
                let text = value.to_string();
                prop_assert_eq!(&text, &decimal_oracle(wei.to_string()));
                prop_assert_eq!(text.parse::<$name>(), Ok(value));
                let json = serde_json::to_string(&value).unwrap();
                prop_assert_eq!(&json, &format!("\"{text}\""));
                prop_assert_eq!(serde_json::from_str::<$name>(&json).unwrap(), value);
                let bytes = borsh::to_vec(&value).unwrap();
                prop_assert_eq!(&bytes, &wei.to_le_bytes());
                prop_assert_eq!(borsh::from_slice::<$name>(&bytes).unwrap(), value);
            }
        }
    };
}

round_trip!(amount_round_trips, Amount, u128s(), Amount::from_wei);
round_trip!(usd_round_trips, Usd, i128s(), Usd::from_wei);
round_trip!(size_round_trips, Size, i128s(), Size::from_wei);
round_trip!(ratio_round_trips, Ratio, i128s(), Ratio::from_wei);
round_trip!(price_round_trips, Price, prices(), |wei| Price::from_wei(wei).unwrap());

/// Puts the point 18 digits from the right of the wei's own text, on characters alone.
fn decimal_oracle(wei: String) -> String {
    let (sign, digits) = wei.strip_prefix('-').map_or(("", wei.as_str()), |digits| ("-", digits));
    let padded = format!("{digits:0>19}");
    let (whole, fraction) = padded.split_at(padded.len() - 18);
    let text = format!("{sign}{whole}.{fraction}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

proptest! {
    #[test]
    fn integers_round_trip(bps in 0..=1_000_000_u32, millis in u64s()) {
        let (bps, span, time) = (Bps::new(bps), Millis::new(millis), Time::from_millis(millis));
        prop_assert_eq!(serde_json::to_string(&bps).unwrap(), bps.get().to_string());
        prop_assert_eq!(serde_json::from_str::<Bps>(&bps.to_string()).unwrap(), bps);
        prop_assert_eq!(serde_json::from_str::<Millis>(&serde_json::to_string(&span).unwrap()).unwrap(), span);
        prop_assert_eq!(serde_json::from_str::<Time>(&serde_json::to_string(&time).unwrap()).unwrap(), time);
        prop_assert_eq!(bps.to_string().parse(), Ok(bps));
        prop_assert_eq!(span.to_string().parse(), Ok(span));
        prop_assert_eq!(time.to_string().parse(), Ok(time));
        prop_assert_eq!(borsh::from_slice::<Bps>(&borsh::to_vec(&bps).unwrap()).unwrap(), bps);
        prop_assert_eq!(borsh::from_slice::<Time>(&borsh::to_vec(&time).unwrap()).unwrap(), time);
    }

    /// Whatever the text, no panic; and what is read is what the pattern allows.
    #[test]
    fn any_text_is_read_or_refused(text in "[-+0-9. e_]{0,45}|\\PC{0,8}") {
        let unsigned = text.strip_prefix('-').unwrap_or(&text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let all_digits = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_digit());
        let matches = all_digits(whole) && all_digits(fraction) && fraction.len() <= 18;
        match text.parse::<Usd>() {
            Ok(_) | Err(ParseError::OutOfRange) => prop_assert!(matches, "{}", text),
            Err(_) => prop_assert!(!matches, "{}", text),
        }
    }
}

#[test]
fn text_is_trimmed_and_exact() {
    let text = |wei| Usd::from_wei(wei).to_string();
    assert_eq!(text(0), "0");
    assert_eq!(text(1), "0.000000000000000001");
    assert_eq!(text(-1), "-0.000000000000000001");
    assert_eq!(text(1_500_000_000_000_000_000), "1.5");
    assert_eq!(text(-37_500_000_000_000_000_000), "-37.5");
    assert_eq!(text(100_000_000_000_000_000_000), "100");
    assert_eq!(text(i128::MIN), "-170141183460469231731.687303715884105728");
    assert_eq!(Amount::MAX.to_string(), "340282366920938463463.374607431768211455");
    // Width and sign are honoured.
    assert_eq!(format!("[{:>8}]", Usd::whole(-3)), "[      -3]");
    assert_eq!(format!("[{:<6}]", Amount::whole(3)), "[3     ]");
    assert_eq!(format!("{:+}", Usd::whole(3)), "+3");
}

#[test]
fn refused_texts_say_why() {
    let usd = |text: &str| text.parse::<Usd>().unwrap_err();
    for text in
        ["", "-", ".", "1.", ".5", "+1", "1e3", "1,000", "1_000", " 1", "1 ", "--1", "1.2.3", "٣", "NaN"]
    {
        assert_eq!(usd(text), ParseError::NotANumber, "{text:?}");
    }
    assert_eq!(usd("1.0000000000000000000"), ParseError::TooManyDigits);
    assert_eq!(usd("1.000000000000000000x"), ParseError::NotANumber);
    assert_eq!(usd("170141183460469231731.687303715884105728"), ParseError::OutOfRange);
    assert_eq!(usd("-170141183460469231731.687303715884105729"), ParseError::OutOfRange);
    assert_eq!(usd(&"9".repeat(60)), ParseError::OutOfRange);
    assert_eq!("340282366920938463463.374607431768211456".parse::<Amount>(), Err(ParseError::OutOfRange));
    assert_eq!("-1".parse::<Amount>(), Err(ParseError::Negative));
    assert_eq!("-0".parse::<Amount>(), Ok(Amount::ZERO));
    assert_eq!("-0".parse::<Usd>(), Ok(Usd::ZERO));
    assert_eq!("0.0".parse::<Price>(), Err(ParseError::Zero));
    assert_eq!("-2".parse::<Price>(), Err(ParseError::Negative));
    assert_eq!("007.50".parse::<Price>(), Ok(Price::from_wei(7_500_000_000_000_000_000).unwrap()));
    assert_eq!("1000001".parse::<Bps>(), Err(ParseError::OutOfRange));
    assert_eq!("4294967296".parse::<Bps>(), Err(ParseError::OutOfRange));
    assert_eq!("-5".parse::<Bps>(), Err(ParseError::Negative));
    assert_eq!("1.5".parse::<Time>(), Err(ParseError::NotANumber));
    assert_eq!("18446744073709551616".parse::<Millis>(), Err(ParseError::OutOfRange));
    assert_eq!(ParseError::TooManyDigits.to_string(), "more than 18 digits after the point");
}

#[test]
fn json_takes_text_and_whole_integers_and_no_floats() {
    assert_eq!(serde_json::from_str::<Amount>("12").unwrap(), Amount::whole(12));
    assert_eq!(serde_json::from_str::<Usd>("-12").unwrap(), Usd::whole(-12));
    assert_eq!(serde_json::from_str::<Price>("\"0.25\"").unwrap().to_string(), "0.25");
    // A value inside serde's own buffer, as an untagged enum or a flattened field makes it.
    assert_eq!(serde_json::from_value::<Usd>(serde_json::json!(-7)).unwrap(), Usd::whole(-7));

    let error = |json| serde_json::from_str::<Amount>(json).unwrap_err().to_string();
    assert!(error("1.5").contains("expected Amount as a decimal text such as \"1234.5\", or an integer"));
    assert!(error("-1").contains("Amount: must not be negative"));
    assert!(error("null").contains("expected Amount"));
    assert!(error("\"1.5x\"").contains("Amount: not a decimal number"));
    assert!(serde_json::from_str::<Price>("0").unwrap_err().to_string().contains("Price: must not be zero"));
    assert!(serde_json::from_str::<Bps>("1000001").is_err());
    assert!(serde_json::from_str::<Bps>("\"5\"").is_err());
    assert!(serde_json::from_str::<Time>("-1").is_err());
}

/// Bytes from outside do not get around the constructors.
#[test]
fn borsh_refuses_what_is_no_value() {
    assert!(borsh::from_slice::<Price>(&[0; 16]).is_err());
    assert!(borsh::from_slice::<Bps>(&1_000_001_u32.to_le_bytes()).is_err());
    assert!(borsh::from_slice::<Amount>(&[0; 15]).is_err());
}

#[cfg(feature = "schema")]
#[test]
fn schema_is_the_pattern_of_the_text() {
    let schema = schemars::schema_for!(Usd).to_value();
    assert_eq!(schema["type"], "string");
    assert_eq!(schema["pattern"], r"^-?[0-9]+(\.[0-9]{1,18})?$");
    assert_eq!(schemars::schema_for!(Bps).to_value()["maximum"], 1_000_000);
    assert_eq!(schemars::schema_for!(Time).to_value()["type"], "integer");
}
