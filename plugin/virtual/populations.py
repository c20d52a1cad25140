"""The virtual populations that ship: name -> Population.

They differ in mechanism: what holds the pressure up, what brings it down, and what is left in reserve.
Figures are set for plausible mechanisms and rates, not fitted to patients: see docs/simulated.md.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.population import Circulation, Course, Operation, Population, Spread

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONDITIONS = (
    Population(
        name="healthy",
        summary="healthy adults, elective surgery: a strong reflex, little blood lost",
        asa=(1, 1, 2),
        age_years=Spread(32, 50, 8),
        hb_g_dl=Spread(14.2, 13.6, 0.9),
        emergency=False,
        circulation=Circulation(
            set_point_mmhg=Spread(99, 101, 3),
            unaided_mmhg=Spread(106, 107, 4),
            rate=Spread(74, 72, 6),
            stroke_ml=Spread(78, 74, 5),
        ),
        course=Course(
            bleeds_per_h=Spread(0.5, 0.7), bleed_ml_min=Spread(25, 30, 8), deep_per_h=Spread(1.3, 1.4)
        ),
        operations=(
            Operation("General surgery", "Laparoscopic cholecystectomy", "Gallstones", "Videoscopic"),
            Operation("General surgery", "Total thyroidectomy", "Thyroid carcinoma", "Open"),
            Operation("General surgery", "Laparoscopic hernia repair", "Inguinal hernia", "Videoscopic"),
            Operation(
                "Urology", "Nephrectomy", "Living kidney donor", "Videoscopic", "Left lateral decubitus"
            ),
        ),
    ),
    Population(
        name="elderly_hypertensive",
        summary="stiff arteries, a high set point, a weak reflex, more effect of every anaesthetic",
        asa=(2, 2, 3),
        age_years=Spread(69, 81, 4),
        hb_g_dl=Spread(13.2, 11.8, 0.8),
        emergency=False,
        circulation=Circulation(
            set_point_mmhg=Spread(106, 112, 4),
            unaided_mmhg=Spread(118, 124, 5),
            rate=Spread(72, 70, 6),
            stroke_ml=Spread(70, 64, 5),
            reflex=Spread(0.8, 0.5, 0.08),
            chronotropy=Spread(0.35, 0.25, 0.03),
            bradycardia=Spread(0.08, 0.06, 0.02),
            filling=Spread(0.40, 0.50, 0.03),
            compliance_ml_mmhg=Spread(1.25, 1.05, 0.08),
            sensitivity=Spread(1.2, 1.5, 0.1),
            spo2=Spread(97.8, 97.0, 0.5),
        ),
        course=Course(
            bleeds_per_h=Spread(0.7, 0.9),
            bleed_ml_min=Spread(28, 35, 8),
            propofol=Spread(2.6, 2.2, 0.3),
            remifentanil=Spread(3.2, 2.6, 0.6),
        ),
        operations=(
            Operation("General surgery", "Hemicolectomy", "Colon cancer", "Videoscopic"),
            Operation("General surgery", "Distal gastrectomy", "Gastric cancer", "Open"),
            Operation(
                "Thoracic surgery", "Lung lobectomy", "Lung cancer", "Videoscopic", "Left lateral decubitus"
            ),
            Operation(
                "Orthopaedic surgery", "Hip arthroplasty", "Coxarthrosis", "Open", "Left lateral decubitus"
            ),
        ),
        always=("hypertension",),
        history=(
            ("diabetes", 0.2, 0.4),
            ("chronic kidney disease", 0.05, 0.3),
        ),
        labs=(("creatinine_mg_dl", Spread(0.9, 1.3, 0.15)),),
    ),
    Population(
        name="low_output",
        summary="a failing left heart: low output, stroke volume lost to afterload, a spent reflex",
        asa=(3, 3, 4),
        age_years=Spread(62, 74, 6),
        hb_g_dl=Spread(13.0, 11.4, 0.9),
        emergency=False,
        circulation=Circulation(
            set_point_mmhg=Spread(97, 93, 3),
            unaided_mmhg=Spread(104, 96, 4),
            rate=Spread(70, 80, 6),
            stroke_ml=Spread(60, 44, 4),
            reflex=Spread(0.7, 0.5, 0.08),
            chronotropy=Spread(0.25, 0.20, 0.03),
            bradycardia=Spread(0.05, 0.03, 0.01),
            filling=Spread(0.25, 0.15, 0.02),
            afterload=Spread(0.25, 0.5, 0.05),
            sensitivity=Spread(1.1, 1.3, 0.1),
            spo2=Spread(97.4, 96.0, 0.5),
            spo2_fall=Spread(1.5, 3.0),
        ),
        course=Course(
            bleeds_per_h=Spread(0.6, 0.6),
            bleed_ml_min=Spread(25, 30, 8),
            propofol=Spread(2.4, 1.9, 0.3),
            remifentanil=Spread(3.0, 2.4, 0.5),
            patience_s=Spread(190, 170, 60),
        ),
        operations=(
            Operation("Vascular surgery", "Femoropopliteal bypass", "Peripheral artery disease", "Open"),
            Operation("Vascular surgery", "Carotid endarterectomy", "Carotid stenosis", "Open"),
            Operation("General surgery", "Sigmoidectomy", "Colon cancer", "Videoscopic", "Lithotomy"),
        ),
        always=("heart failure",),
        history=(
            ("hypertension", 0.6, 0.6),
            ("coronary artery disease", 0.5, 0.8),
            ("diabetes", 0.3, 0.4),
        ),
        labs=(("creatinine_mg_dl", Spread(1.0, 1.6, 0.15)),),
    ),
    Population(
        name="autonomic",
        summary="diabetic autonomic neuropathy: hardly a reflex, a fixed heart rate, a pressure that wanders",
        asa=(2, 3, 3),
        age_years=Spread(55, 68, 5),
        hb_g_dl=Spread(13.0, 11.2, 0.8),
        emergency=False,
        circulation=Circulation(
            set_point_mmhg=Spread(102, 104, 4),
            unaided_mmhg=Spread(112, 112, 4),
            rate=Spread(80, 88, 5),
            stroke_ml=Spread(68, 64, 4),
            reflex=Spread(0.45, 0.1, 0.05),
            sensitivity=Spread(1.0, 1.1, 0.1),
        ),
        course=Course(bleeds_per_h=Spread(0.6, 0.8), bleed_ml_min=Spread(25, 30, 8)),
        operations=(
            Operation("Vascular surgery", "Below knee amputation", "Diabetic foot", "Open"),
            Operation(
                "Urology", "Nephrectomy", "Renal cell carcinoma", "Videoscopic", "Right lateral decubitus"
            ),
            Operation("General surgery", "Distal pancreatectomy", "Pancreatic tumour", "Videoscopic"),
        ),
        always=("diabetes", "autonomic neuropathy"),
        history=(
            ("hypertension", 0.4, 0.6),
            ("chronic kidney disease", 0.1, 0.5),
        ),
        labs=(
            ("creatinine_mg_dl", Spread(0.9, 1.8, 0.2)),
            ("glucose_mg_dl", Spread(160, 220, 25)),
        ),
    ),
    Population(
        name="septic",
        summary="wide vessels that answer a pressor poorly, veins that hold blood back, a fast heart",
        asa=(3, 4, 4),
        age_years=Spread(56, 70, 8),
        hb_g_dl=Spread(11.8, 9.6, 0.8),
        emergency=True,
        circulation=Circulation(
            set_point_mmhg=Spread(93, 90, 3),
            unaided_mmhg=Spread(86, 76, 4),
            rate=Spread(94, 108, 6),
            stroke_ml=Spread(76, 72, 5),
            reflex=Spread(0.9, 0.7, 0.08),
            sensitivity=Spread(1.0, 1.2, 0.1),
            pressor=Spread(0.65, 0.40, 0.05),
            lost_ml=Spread(100, 300, 60),
            spo2=Spread(96.8, 94.5, 0.6),
            spo2_fall=Spread(0.8, 1.8),
        ),
        course=Course(
            bleeds_per_h=Spread(0.6, 0.8),
            bleed_ml_min=Spread(25, 35, 8),
            propofol=Spread(2.2, 1.6, 0.25),
            remifentanil=Spread(2.6, 2.0, 0.4),
            patience_s=Spread(170, 150, 50),
        ),
        operations=(
            Operation("General surgery", "Exploratory laparotomy", "Perforated peritonitis", "Open"),
            Operation("General surgery", "Hartmann procedure", "Perforated diverticulitis", "Open"),
            Operation("General surgery", "Small bowel resection", "Bowel ischaemia", "Open"),
        ),
        always=("sepsis",),
        history=(
            ("hypertension", 0.3, 0.5),
            ("diabetes", 0.2, 0.35),
        ),
        labs=(
            ("lactate_mmol_l", Spread(2.4, 5.5, 0.5)),
            ("albumin_g_dl", Spread(3.1, 2.3, 0.2)),
        ),
    ),
    Population(
        name="bleeding",
        summary="a sound circulation that bleeds: empty at the start, and again and again",
        asa=(3, 3, 4),
        age_years=Spread(30, 42, 9),
        hb_g_dl=Spread(11.6, 8.8, 0.8),
        emergency=True,
        circulation=Circulation(
            set_point_mmhg=Spread(98, 98, 3),
            unaided_mmhg=Spread(98, 90, 4),
            rate=Spread(82, 92, 6),
            stroke_ml=Spread(77, 75, 5),
            reflex=Spread(1.1, 1.0, 0.08),
            lost_ml=Spread(200, 500, 80),
            spo2=Spread(98.2, 97.4, 0.4),
            spo2_fall=Spread(1.0, 2.0),
        ),
        course=Course(
            bleeds_per_h=Spread(2.4, 3.4),
            bleed_ml_min=Spread(85, 140, 20),
            bleed_min=Spread(6, 8, 2),
            propofol=Spread(2.6, 1.9, 0.3),
            remifentanil=Spread(3.0, 2.2, 0.5),
            patience_s=Spread(170, 150, 50),
        ),
        operations=(
            Operation("General surgery", "Splenectomy", "Splenic rupture", "Open"),
            Operation("General surgery", "Damage control laparotomy", "Blunt abdominal trauma", "Open"),
            Operation("Orthopaedic surgery", "Pelvic fixation", "Pelvic fracture", "Open"),
        ),
        always=("trauma",),
        labs=(("lactate_mmol_l", Spread(1.8, 4.5, 0.5)),),
    ),
)

POPULATIONS: Final[Mapping[str, Population]] = MappingProxyType({one.name: one for one in _CONDITIONS})
"""Those there are: name -> Population."""
