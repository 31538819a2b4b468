//! The attacks that `docs/security.md` names have their tests.

use std::path::Path;

/// Rows of the section "By name": file and test.
fn rows(page: &str) -> Vec<(String, String)> {
    let section =
        page.split("### By name").nth(1).expect("the section").split("\n## ").next().unwrap_or_default();
    let cells = |line: &str| -> Vec<String> { line.split('`').map(str::to_owned).collect() };
    let rows = section.lines().filter(|line| line.starts_with("| ") && line.contains('`')).map(cells);
    rows.map(|cells| (cells[1].clone(), cells[3].clone())).collect()
}

#[test]
fn every_attack_by_name_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let rows = rows(&page);
    assert_eq!(rows.len(), 14);
    for (file, test) in rows {
        let text = std::fs::read_to_string(root.join(&file)).unwrap();
        let there =
            [format!("function {test}("), format!("fn {test}(")].iter().any(|begin| text.contains(begin));
        assert!(there, "{file} has no {test}");
    }
}
