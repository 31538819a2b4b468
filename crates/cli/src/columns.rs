//! Tables on a terminal: a title, and rows of which the first names the columns.

use std::io::{self, Write};

/// What the table of a replay's drills is called.
pub(crate) const DRILLS: &str = "Drills: rotation of the validators, freeze of every vault";

/// Prints a table: the first column to the left, the others to the right, each as wide as it needs.
pub(crate) fn print(out: &mut impl Write, title: &str, rows: &[Vec<String>]) -> io::Result<()> {
    writeln!(out, "\n{title}")?;
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::from(" ");
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            line.push_str(&if at == 0 { format!(" {cell:<width$}") } else { format!("  {cell:>width$}") });
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
