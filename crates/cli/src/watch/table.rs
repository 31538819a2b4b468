//! Tables that give up columns, the least needed first, until they fit.

use super::figures::cut;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

/// A column of a pane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) width: usize,
    pub(super) right: bool,
    /// 0 stays longest.
    pub(super) rank: u8,
}

/// Left aligned.
pub(super) const fn left(title: &'static str, width: usize, rank: u8) -> Column {
    Column { title, width, right: false, rank }
}

/// Right aligned.
pub(super) const fn right(title: &'static str, width: usize, rank: u8) -> Column {
    Column { title, width, right: true, rank }
}

/// A cell: text in one or more styles.
#[derive(Clone, Debug)]
pub(super) struct Cell(Vec<Span<'static>>);

impl Cell {
    pub(super) fn spans(spans: Vec<Span<'static>>) -> Self {
        Self(spans)
    }

    pub(super) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self(vec![Span::styled(text.into(), style)])
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self(vec![Span::raw(text)])
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// Lines under a head.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) head: Option<Line<'static>>,
    pub(super) lines: Vec<Line<'static>>,
}

/// Which columns fit into a width, and the head over them.
pub(super) struct Fitted {
    columns: Vec<Option<Column>>,
}

impl Fitted {
    pub(super) fn new(columns: &[Column], width: usize) -> Self {
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_by_key(|at| columns[*at].rank);
        let (mut fitted, mut used) = (vec![None; columns.len()], 0);
        for at in order {
            let column = columns[at];
            let gap = usize::from(used != 0);
            if used + gap + column.width > width && used != 0 {
                break;
            }
            used += gap + column.width;
            fitted[at] = Some(column);
        }
        Self { columns: fitted }
    }

    pub(super) fn head(&self) -> Line<'static> {
        let cells = self.columns.iter().map(|column| column.map_or("", |column| column.title).into());
        let mut line = self.line(cells.collect());
        line.style = Style::new().add_modifier(Modifier::DIM);
        line
    }

    pub(super) fn line(&self, cells: Vec<Cell>) -> Line<'static> {
        let mut spans = Vec::new();
        for (column, cell) in
            self.columns.iter().zip(cells).filter_map(|(column, cell)| Some(((*column)?, cell)))
        {
            if !spans.is_empty() {
                spans.push(Span::raw(" "));
            }
            let wide: usize = cell.0.iter().map(|span| span.content.chars().count()).sum();
            let pad = Span::raw(" ".repeat(column.width.saturating_sub(wide)));
            let text = if wide <= column.width { cell.0 } else { cut_spans(cell.0, column.width) };
            if column.right {
                spans.push(pad);
                spans.extend(text);
            } else {
                spans.extend(text);
                spans.push(pad);
            }
        }
        Line::from(spans)
    }
}

/// The first spans that fit, the last of them cut.
fn cut_spans(spans: Vec<Span<'static>>, width: usize) -> Vec<Span<'static>> {
    let (mut left, mut kept) = (width, Vec::new());
    for span in spans {
        let wide = span.content.chars().count();
        kept.push(Span::styled(cut(&span.content, left), span.style));
        left = left.saturating_sub(wide);
        if left == 0 {
            break;
        }
    }
    kept
}
