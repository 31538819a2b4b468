//! Charts and dates: what a reader of a report sees.

use ballast_sim::calendar::{
    civil_from_days, date_hour_minute, date_time, day_month, days_from_civil, hour_minute,
};
use ballast_sim::chart::{Axis, Chart, Scale, Series, Shape, escape};
use ballast_sim::report::{dollars, grouped, percent};
use ballast_units::{Amount, Ratio, Time};

fn chart(shape: Shape, points: Vec<(f64, f64)>) -> String {
    let series = vec![Series::new("a < b", shape, 0, points)];
    let (x, y) = (Axis::new("seconds", Scale::Number), Axis::new("dollars", Scale::Dollars));
    Chart { title: "T & C".to_owned(), note: String::new(), x, y, series }.figure()
}

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[test]
fn texts_are_escaped() {
    assert_eq!(escape("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
    let html = chart(Shape::Line, vec![(0.0, 1.0), (1.0, 2.0)]);
    assert!(html.contains("<h3>T &amp; C</h3>") && html.contains("a &lt; b"), "{html}");
}

#[test]
fn a_series_of_each_shape_is_drawn() {
    let points = vec![(0.0, 1.0), (1.0, 3.0), (2.0, 2.0)];
    assert_eq!(count(&chart(Shape::Line, points.clone()), "<path"), 1);
    assert!(chart(Shape::Dashed, points.clone()).contains("stroke-dasharray"));
    assert!(chart(Shape::Area, points.clone()).contains("Z\""));
    assert_eq!(count(&chart(Shape::Dots, points.clone()), "<circle"), 3);
    assert_eq!(count(&chart(Shape::Bars, points), "<rect"), 3);
}

#[test]
fn a_chart_of_nothing_says_so() {
    assert!(chart(Shape::Line, Vec::new()).contains("nothing happened"));
    assert!(chart(Shape::Line, vec![(0.0, f64::NAN)]).contains("nothing happened"));
}

#[test]
fn a_flat_or_single_series_has_an_axis() {
    for points in [vec![(5.0, 0.0)], vec![(0.0, 7.0), (9.0, 7.0)], vec![(0.0, 0.0), (1.0, 0.0)]] {
        let html = chart(Shape::Line, points);
        assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
        assert!(2 <= count(&html, "class=\"grid\""), "{html}");
    }
}

#[test]
fn long_series_keep_their_extremes() {
    let mut points: Vec<(f64, f64)> = (0..100_000).map(|at| (f64::from(at), f64::from(at % 7))).collect();
    points[54_321].1 = 1_000.0;
    let html = chart(Shape::Line, points);
    assert!(html.len() < 60_000, "{}", html.len());
    assert!(html.contains("$1000"), "{html}");
}

#[test]
fn days_and_dates_agree() {
    for (days, civil) in
        [(0, (1970, 1, 1)), (18_766, (2021, 5, 19)), (19_782, (2024, 2, 29)), (47_540, (2100, 2, 28))]
    {
        assert_eq!(civil_from_days(days), civil);
    }
    for days in 0..80_000_u64 {
        let (year, month, day) = civil_from_days(days);
        let back = [year, month, day].map(|part| i64::try_from(part).unwrap());
        assert_eq!(days_from_civil(back[0], back[1], back[2]), i64::try_from(days).unwrap());
    }
    let time = Time::from_millis(1_621_429_830_999);
    assert_eq!(date_time(time), "2021-05-19 13:10:30");
    assert_eq!(date_hour_minute(time), "2021-05-19 13:10");
    assert_eq!((hour_minute(time), day_month(time)), ("13:10".into(), "19 May".into()));
}

#[test]
fn figures_are_written_for_people() {
    assert_eq!([0, 7, 999, 1_000, 1_234_567].map(grouped), ["0", "7", "999", "1,000", "1,234,567"]);
    assert_eq!(dollars(Amount::from_wei(1_999_999_999_999_999_999_999)), "1,999");
    assert_eq!(percent(Ratio::bps(1_234)), "12.34 %");
    assert_eq!(percent(Ratio::bps(-5)), "-0.05 %");
    assert_eq!(percent(Ratio::percent(100)), "100.00 %");
}
