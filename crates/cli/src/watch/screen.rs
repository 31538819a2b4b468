//! The screen: panes on a terminal of any size.
//!
//! - From 110 x 34 on everything is there; below that markets and the pane in focus; below 16 lines the pane in focus
//!   alone; on less than 20 x 6 the line that a pipe would get.
//! - Draws a frame and a view, and knows neither where frames come from nor a clock.

use super::frame::Frame as House;
use super::lines;
use super::panes::Pane;
use ballast_sim::calendar;
use ballast_sim::report::grouped;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

/// What a person has chosen to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    focus: usize,
    scroll: [usize; Pane::ALL.len()],
    /// The pane in focus alone.
    pub zoom: bool,
    /// Frames are held back.
    pub paused: bool,
    /// The keys are explained.
    pub help: bool,
    /// Why no frames come; empty while they do.
    pub notice: String,
}

/// A move within a pane, in lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scroll {
    /// Towards its beginning.
    Up(usize),
    /// Towards its end.
    Down(usize),
    /// To its beginning.
    Top,
}

impl View {
    /// The pane in focus.
    #[must_use]
    pub fn focus(&self) -> Pane {
        Pane::ALL[self.focus]
    }

    /// The next pane, or the one before.
    pub fn turn(&mut self, forward: bool) {
        let step = if forward { 1 } else { Pane::ALL.len() - 1 };
        self.focus = (self.focus + step) % Pane::ALL.len();
    }

    /// Scrolls the pane in focus, as far as it goes in `house`.
    pub fn scroll(&mut self, scroll: Scroll, house: &House) {
        let last = self.focus().content(house, usize::from(u16::MAX)).lines.len().saturating_sub(1);
        let at = &mut self.scroll[self.focus];
        *at = match scroll {
            Scroll::Up(lines) => at.saturating_sub(lines),
            Scroll::Down(lines) => at.saturating_add(lines).min(last),
            Scroll::Top => 0,
        };
    }
}

/// Draws the house.
pub fn draw(f: &mut Frame<'_>, house: &House, view: &View) {
    let area = f.area();
    if area.width < 20 || area.height < 6 {
        return f.render_widget(Paragraph::new(lines::status(house)), area);
    }
    let [title, totals, body, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    f.render_widget(self::title(house, view), title);
    f.render_widget(self::totals(house), totals);
    f.render_widget(self::keys(view, area.width), keys);
    let screen = Screen { house, view };
    if view.zoom {
        screen.pane(f, body, view.focus());
    } else if 110 <= area.width && 34 <= area.height {
        screen.desk(f, body);
    } else {
        screen.pocket(f, body);
    }
    if view.help {
        help(f, area);
    }
}

struct Screen<'a> {
    house: &'a House,
    view: &'a View,
}

impl Screen<'_> {
    /// Everything.
    fn desk(&self, f: &mut Frame<'_>, area: Rect) {
        let [markets, chains, middle, books, events] = Layout::vertical([
            Constraint::Length(rows(self.house.markets.len()).min(9)),
            Constraint::Length(rows(self.house.chains.len()).min(10)),
            Constraint::Fill(3),
            Constraint::Length(10),
            Constraint::Fill(2),
        ])
        .areas(area);
        let [tasks, auctions] = halves(middle);
        let [reserve, waterfall, keepers] =
            Layout::horizontal([Constraint::Fill(4), Constraint::Fill(4), Constraint::Length(56)])
                .areas(books);
        self.pane(f, markets, Pane::Markets);
        self.pane(f, chains, Pane::Chains);
        self.pane(f, tasks, Pane::Tasks);
        self.pane(f, auctions, Pane::Auctions);
        self.pane(f, reserve, Pane::Reserve);
        self.pane(f, waterfall, Pane::Waterfall);
        self.pane(f, keepers, Pane::Keepers);
        self.pane(f, events, Pane::Events);
    }

    /// Markets, and what is in focus.
    fn pocket(&self, f: &mut Frame<'_>, area: Rect) {
        let focus = self.view.focus();
        if area.height < 13 {
            return self.pane(f, area, focus);
        }
        let above = rows(self.house.markets.len()).min(area.height / 2);
        let [markets, below] = Layout::vertical([Constraint::Length(above), Constraint::Fill(1)]).areas(area);
        self.pane(f, markets, Pane::Markets);
        self.pane(f, below, if focus == Pane::Markets { Pane::Chains } else { focus });
    }

    fn pane(&self, f: &mut Frame<'_>, area: Rect, pane: Pane) {
        let focused = pane == self.view.focus();
        let style = if focused { Style::new().fg(Color::Cyan) } else { Style::new().fg(Color::DarkGray) };
        let title = format!(" {} ", pane.title(self.house));
        let block = Block::bordered().border_style(style).title(Span::styled(title, style.bold_if(focused)));
        let inner = block.inner(area);
        f.render_widget(block, area);
        let content = pane.content(self.house, usize::from(inner.width));
        let room = usize::from(inner.height).saturating_sub(usize::from(content.head.is_some()));
        let most = content.lines.len().saturating_sub(room);
        let from = self.view.scroll[pane.number()].min(most);
        let lines: Vec<Line<'_>> =
            content.head.into_iter().chain(content.lines.into_iter().skip(from).take(room)).collect();
        f.render_widget(Paragraph::new(lines), inner);
    }
}

trait Bold {
    fn bold_if(self, bold: bool) -> Self;
}

impl Bold for Style {
    fn bold_if(self, bold: bool) -> Self {
        if bold { self.add_modifier(Modifier::BOLD) } else { self }
    }
}

fn halves(area: Rect) -> [Rect; 2] {
    Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area)
}

/// Lines of a table with its head and borders.
fn rows(rows: usize) -> u16 {
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(3)
}

fn title(house: &House, view: &View) -> Line<'static> {
    let clock = &house.clock;
    let reversed = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
    let hash: String = clock.state_hash.to_string().chars().take(14).collect();
    let mut spans = vec![
        Span::styled(" BALLAST ", reversed),
        Span::raw(format!(
            " {} UTC  block {}  ",
            calendar::date_time(clock.time),
            grouped(clock.height.into())
        )),
    ];
    let mut flag = |text: &str, colour| {
        spans.push(Span::styled(format!("{text}  "), Style::new().fg(colour).add_modifier(Modifier::BOLD)));
    };
    if view.paused {
        flag("PAUSED", Color::Yellow);
    }
    if clock.safe_mode {
        flag("SAFE MODE", Color::Red);
    }
    if house.is_stale() {
        flag("STALE", Color::Yellow);
    }
    if !view.notice.is_empty() {
        flag(&view.notice, Color::Yellow);
    }
    if !house.note.is_empty() {
        spans.push(Span::raw(format!("{}  ", house.note)));
    }
    spans.push(Span::raw(format!("{}  {} accounts  {hash}", house.house, grouped(clock.accounts.into()))));
    Line::from(spans)
}

fn totals(house: &House) -> Line<'static> {
    let bad = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
    let figures = lines::figures(house);
    let mut spans = vec![Span::raw(" ")];
    for (name, value, is_bad) in figures {
        spans.push(Span::styled(format!("{name} "), Style::new().add_modifier(Modifier::DIM)));
        spans.push(Span::styled(format!("{value}  "), if is_bad { bad } else { Style::new() }));
    }
    Line::from(spans)
}

/// The keys and the panes; of the panes the one in focus, where not all have room.
fn keys(view: &View, width: u16) -> Line<'static> {
    let mut spans = vec![Span::raw(" q quit  space pause  ? help  tab ")];
    if width < 100 {
        let focus = view.focus();
        spans.push(Span::styled(focus.name(), Style::new().add_modifier(Modifier::REVERSED)));
        spans.push(Span::raw(format!(" {} of {}", focus.number() + 1, Pane::ALL.len())));
        return Line::from(spans);
    }
    for pane in Pane::ALL {
        let style = if pane == view.focus() {
            Style::new().add_modifier(Modifier::REVERSED)
        } else {
            Style::new().add_modifier(Modifier::DIM)
        };
        spans.push(Span::styled(pane.name(), style));
        spans.push(Span::raw(" "));
    }
    Line::from(spans)
}

const HELP: [&str; 11] = [
    "q, Ctrl-C      quit",
    "space          pause; a replay in this program stands still, a hub goes on",
    "tab, shift-tab next pane, the one before",
    "arrows         scroll the pane in focus",
    "page up, down  scroll by ten lines",
    "home           to its beginning",
    "enter          the pane in focus alone, and back",
    "?              this, and back",
    "",
    "cover   (health + loans) / loans of a borrower: below 1 it is liquidated",
    "price   of a lot from its start to its end; | now, dots are takes",
];

fn help(f: &mut Frame<'_>, area: Rect) {
    let width = 80.min(area.width);
    let height = (HELP.len() as u16 + 2).min(area.height);
    let place = Rect::new((area.width - width) / 2, (area.height - height) / 2, width, height);
    f.render_widget(Clear, place);
    let lines: Vec<Line<'_>> = HELP.iter().map(|line| Line::raw(*line)).collect();
    f.render_widget(Paragraph::new(lines).block(Block::bordered().title(" keys ")), place);
}
