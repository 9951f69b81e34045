//! What is found, for people.

use std::io::{self, Write};

use audit::numbers::{short, with_error};
use audit::{Findings, NormFinding, NormVerdict, Phase};

use crate::output::table;

pub(super) fn write(out: &mut dyn Write, findings: &Findings) -> io::Result<()> {
    let phases = || findings.phases.iter().enumerate();
    let header = [
        "phase",
        "steps",
        "η",
        "ηλ",
        "rotation a step",
        "time constant",
        "lasts",
        "ln η̃",
        "growth",
    ];
    let rows = phases().map(|(index, phase)| hyperparameters(findings, index, phase));
    writeln!(out, "{}\n", table(header, rows))?;
    writeln!(
        out,
        "rotation a step: √(2ηλ/(1+γ)), in equilibrium; time constant: (1−γ)/(4ηλ), of ‖w‖⁴; lasts: in time constants; ln η̃ of the \
         twin without weight decay, at the start and the end, and what it grows by {}. texp convert writes its schedule.\n",
        if findings.steps_per_epoch.is_some() {
            "an epoch"
        } else {
            "a step"
        },
    )?;
    if phases().any(|(_, phase)| !phase.norms.is_empty()) {
        let header = [
            "phase",
            "of",
            "‖w‖²",
            "over equilibrium",
            "rotation a step",
            "lacks",
            "σ²",
            "predicted",
            "forecast",
        ];
        let firsts = phases().filter_map(|(index, phase)| Some((index, phase.norms.first()?)));
        let last = phases().rfind(|(_, phase)| phase.norms.len() > 1);
        let layers =
            last.map(|(index, phase)| phase.norms.iter().skip(1).map(move |norm| (index, norm)));
        let rows = firsts.chain(layers.into_iter().flatten());
        let rows = rows.map(|(index, norm)| of_norm(findings, index, norm));
        writeln!(out, "{}\n", table(header, rows))?;
        writeln!(
            out,
            "over equilibrium: ‖w‖² at the end over that of the equilibrium; the effective rate η/‖w‖² and the rotation are the \
             equilibrium's divided by it. lacks: time until within 5 %, if σ² stays. predicted: ‖w‖² from the start of the phase \
             and σ², root mean square error. forecast: ‖w‖² at the end, from its start and the σ² of the \
             phase before, against the measured. --format json has the layers of every phase.\n"
        )?;
    }
    for advice in &findings.advice {
        writeln!(out, "- {}", advice.sentence)?;
    }
    Ok(())
}

fn hyperparameters(findings: &Findings, index: usize, phase: &Phase) -> [String; 9] {
    let [rate_start, rate_end] = phase.learning_rate;
    let equilibrium = phase
        .equilibrium
        .filter(|equilibrium| equilibrium.time_constant.is_finite());
    let twin = phase.twin;
    let growth = twin.and_then(|twin| match twin.growth_per_epoch {
        Some(growth) => Some(growth - 1.0),
        None => twin.growth_per_step_minus_one,
    });
    [
        (index + 1).to_string(),
        format!("{}–{}", phase.start, phase.end - 1),
        if rate_start == rate_end {
            short(rate_end)
        } else {
            format!("{} → {}", short(rate_start), short(rate_end))
        },
        short(phase.intrinsic_rate),
        equilibrium.map_or(String::new(), |it| {
            format!("{}°", short(it.rotation_per_step.to_degrees()))
        }),
        equilibrium.map_or(String::new(), |it| time(findings, it.time_constant)),
        equilibrium.map_or(String::new(), |it| short(it.time_constants)),
        twin.map_or(String::new(), |twin| {
            format!(
                "{} → {}",
                short(twin.ln_learning_rate_start),
                short(twin.ln_learning_rate_end)
            )
        }),
        growth.map_or(String::new(), |growth| {
            format!("{} %", short(100.0 * growth))
        }),
    ]
}

fn of_norm(findings: &Findings, index: usize, norm: &NormFinding) -> [String; 9] {
    let squares = [norm.ln_squared_norm_start, norm.ln_squared_norm_end].map(|ln| short(ln.exp()));
    let ratio = match norm.ratio_end {
        Some(ratio) => with_error(ratio, norm.ratio_end_error),
        None => unknown(norm.verdict).to_owned(),
    };
    let noise = norm.gradient_noise.map_or(String::new(), |noise| {
        with_error(noise.square, noise.standard_error)
    });
    [
        (index + 1).to_string(),
        norm.layer.clone(),
        squares.join(" → "),
        ratio,
        norm.rotation_per_step.map_or(String::new(), |angle| {
            format!("{}°", short(angle.to_degrees()))
        }),
        norm.steps_lacking
            .map_or(String::new(), |steps| time(findings, steps)),
        noise,
        norm.prediction_error.map_or(String::new(), |error| {
            format!("± {} %", short(100.0 * error))
        }),
        norm.ln_squared_norm_forecast
            .map_or(String::new(), |forecast| {
                let off = 100.0 * (forecast - norm.ln_squared_norm_end).exp_m1();
                format!("{}{} %", if off > 0.0 { "+" } else { "" }, short(off))
            }),
    ]
}

fn unknown(verdict: NormVerdict) -> &'static str {
    match verdict {
        NormVerdict::Known | NormVerdict::NotDetermined => "not determined",
        NormVerdict::NoEquilibrium => "there is none",
        NormVerdict::FellTooFast => "falls too fast",
        NormVerdict::Frozen => "does not move",
        NormVerdict::BeyondBound => "beyond the bound",
    }
}

fn time(findings: &Findings, steps: f64) -> String {
    match findings.steps_per_epoch {
        Some(per_epoch) => format!("{} epochs", short(steps / per_epoch as f64)),
        None => format!("{} steps", short(steps)),
    }
}
