"""Patients' texts -> tokenizer.json: a small WordPiece that the bedside's own reader understands.

In: the texts of training patients. Out: the Hugging Face form, the same for the same texts (the
library's own trainer is not: equal counts come in another order each time). The vocabulary is every
character, the words seen MIN_COUNT times or more, generic words of anaesthesia that no training
patient happened to bring, and beginnings and ends that many words share.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VOCABULARY: Final = 2400
MIN_COUNT: Final = 2
SPECIAL: Final = ("[PAD]", "[UNK]")
"""Padding must be id 0 (runtime.wordpiece)."""
CHARACTERS: Final = "".join(map(chr, range(33, 127)))
PIECE_LENGTHS: Final = range(2, 8)
"""Letters in a shared beginning or end (`hyper`, `##ectomy`)."""
PIECE_WORDS: Final = 6
"""Different words that must share it."""
CLINICAL_WORDS: Final = (
    "abdominal abscess acute adenoma albumin anaemia anastomosis aneurysm angina angioplasty aorta "
    "aortic appendectomy arrhythmia arterial artery arthroplasty ascites asthma atrial benign biliary "
    "biopsy bladder bleeding bowel brain breast bypass cancer carcinoma cardiac cardiomyopathy carotid "
    "cerebral chemotherapy cholecystectomy chronic cirrhosis colectomy colon copd coronary craniotomy "
    "creatinine cystectomy debridement dementia diabetes dialysis disease diverticulitis elective "
    "embolism emergency endometrial endoscopic epidural epilepsy esophagectomy excision exploratory "
    "failure femoral fibrillation fistula fracture gallbladder gastrectomy gastric general glioma graft "
    "haemoglobin haemorrhage heart hemicolectomy hepatectomy hepatic hepatitis hernia hip "
    "hydronephrosis hyperkalaemia hypertension hyponatraemia hypothyroidism hysterectomy ileostomy "
    "infarction infection inguinal injury insufficiency ischaemia ischaemic kidney knee laparoscopic "
    "laparotomy left leukaemia liver lobectomy lung lymphoma malignant mastectomy meningioma mesenteric "
    "metastasis mitral myocardial myoma necrosis neoplasm nephrectomy neurosurgery obesity obstruction "
    "oncology open orthopaedic ovarian pancreas pancreatectomy pancreatitis parathyroid perforation "
    "peripheral peritonitis pleural pneumonectomy pneumonia pneumothorax portal prostate prostatectomy "
    "pulmonary radical rectal rectum renal replacement resection respiratory revision right robotic "
    "sepsis shock sigmoid sleeve spinal spine spleen splenectomy stenosis stent stomach stroke supine "
    "syndrome tachycardia thoracic thoracoscopic thoracotomy thrombosis thyroid thyroidectomy total "
    "trauma transplant transplantation tumour ulcer ureter urology uterine valve varicose vascular vein "
    "videoscopic wedge whipple beta blocker ace inhibitor diuretic anticoagulant aspirin insulin statin "
    "steroid smoker dyspnoea fever hypotension hypovolaemia dehydration lateral prone lithotomy "
    "trendelenburg reverse decubitus sitting desflurane sevoflurane propofol remifentanil volatile "
    "intravenous balanced "
)


def train_tokenizer(texts: Iterable[str]) -> str:
    """Give tokenizer.json."""
    counts = Counter(word for text in (*texts, CLINICAL_WORDS) for word in _words(text))
    vocabulary = list(dict.fromkeys([*SPECIAL, *_characters(), *_pieces(counts)]))[:VOCABULARY]
    numbered = {token: number for number, token in enumerate(vocabulary)}
    return str(_empty(numbered).to_str())


def _empty(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106 a token, no password
    tokenizer.normalizer = normalizers.BertNormalizer(handle_chinese_chars=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def _words(text: str) -> list[str]:
    reader = _empty({token: number for number, token in enumerate(SPECIAL)})
    normalized = reader.normalizer.normalize_str(text)
    return [word for word, _ in reader.pre_tokenizer.pre_tokenize_str(normalized)]


def _characters() -> Iterator[str]:
    for character in dict.fromkeys(CHARACTERS.lower()):
        yield character
        yield f"##{character}"


def _pieces(counts: Counter[str]) -> list[str]:
    """Give words and shared pieces, the most used first, equals by the alphabet."""
    known = set(CLINICAL_WORDS.split())
    words = Counter({word: n for word, n in counts.items() if n >= MIN_COUNT or word in known})
    letters = [word for word in counts if word.isalpha()]
    starts = Counter(word[:n] for word in letters for n in PIECE_LENGTHS if n < len(word))
    ends = Counter(f"##{word[-n:]}" for word in letters for n in PIECE_LENGTHS if n < len(word))
    shared = Counter({piece: n for piece, n in (starts + ends).items() if n >= PIECE_WORDS})
    used = words | shared
    return sorted(used, key=lambda token: (-used[token], token))
