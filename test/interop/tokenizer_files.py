"""Python's tokenizers as a measure of Graft's reading of tokenizer.json.

    python tokenizer_files.py train OUT CORPUS...  small tokenizers of every kind, trained on the files, with the ids of some texts
    python tokenizer_files.py nmt-nfkc OUT CORPUS... one more, with SentencePiece's own table of characters
    python tokenizer_files.py ids FILE             ids by a tokenizer.json: a JSON string a line on stdin, a list a line on stdout
    python tokenizer_files.py texts COUNT          random texts, a JSON string a line
    python tokenizer_files.py gguf FILE OUT        the tokenizer of a GGUF file, as transformers reads it
"""

import io
import json
import random
import sys
import unicodedata
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

# --- texts


ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz ",
    "ABCxyz 019.,!?-'’_\n\t\r ",
    "'s't're've'm'll'd 'S’s'LL'ſ'K ",
    "\x00\x01\x07\x1f\x7f\x80\x85\x9f\xa0\xad\u2003\u200b\u200d\u202e\u3000\ufeff\ufffd\ufffe\u2028 ",
    "äéßøçÅİıſΣςΟΔΣ e\u0301o\u0308\u0323\u0345 ﬁﬀÅ½①Ⅷ㍿",
    "приветмир γειά σου ΓΕΙΆ ΣΟΥΣ שלום مرحبا ",
    "世界你好こんにちはﾊﾟ한국어각\u1100\u1161\u11a8 हिन्दी क्ष ไทย 𠀀𫠠𫢸龘豈",
    "👍🏽❤️👨‍👩‍👧🇩🇪🎉💸 ☎⌘₿€$",
    "𝒳𝓎𝟙𝟚𐍈🀄 ",
    "٣४½²Ⅷ𑁪 1234567890",
    "…。、，！？！¿«»“”‘’–—·|`^~<>{}[]()\\/@#%&*+=:;\"",
    "▁ ▁▁a _ ##b ",
    "\u0300\u0301\u0323\u20dd\ufe0f\u0489a",
    "\r\n\n\r  \t\v\f\x85\u2029",
]

SPECIAL = ["[CLS]", "[SEP]", "[UNK]", "[MASK]", "<s>", "</s>", "<unk>", "<mask>", "<pad>", "<|endoftext|>", "<|im_start|>", "<0x41>", "Graft®", " <mask> "]

WORDS = "the of and to you free call now I'm don't they'll YOU'RE we've hello World Grüße naïve café 東京 مرحبا हिन्दी 2024 1,000.50 http://a.b/c?d=e#f x@y.z :-) ...".split()

PICKED = [
    "",
    " ",
    "  ",
    "\n",
    "Hello world",
    " Hello  world ",
    "I'll say: don't!  \n\n x",
    "Free entry in 2 a wkly comp to win FA Cup tickets! £1.50 pm",
    "Grüße aus 東京 🎉 — naïve café, ΟΔΥΣΣΕΥΣ İstanbul ﬁn",
    "a [SEP] b [CLS]c <s>d</s> e <mask> f<|endoftext|>g  <mask>  h",
    "tabs\tand\r\nlines\u2028and\x85more\ufeff",
    "12345678 1 22 333 4444 ٣٤٥ ½",
    "000 0000 00000 1,000.50 1000000 .... ..... eee eeee sss ssss lll ttt",
    "x" * 120 + " " + "y" * 90,
    "▁under▁ the ▁▁ bar ▁",
    "👨‍👩‍👧‍👦 🇩🇪 ❤️ e\u0301\u0323 \u1100\u1161\u11a8",
]


def random_texts(count, seed):
    """Runs, each of characters of one alphabet, of one character many times, of words, of special tokens, or of anything."""
    source = random.Random(seed)

    def anything():
        while True:
            code = source.randrange(0x110000)
            if not 0xD800 <= code < 0xE000:
                return chr(code)

    def run():
        kind, length = source.random(), source.randint(1, 12)
        if kind < 0.15:
            return source.choice(source.choice(ALPHABETS)) * length * source.choice([1, 1, 1, 20])
        if kind < 0.35:
            return " ".join(source.choice(WORDS) for _ in range(length))
        if kind < 0.42:
            return source.choice(SPECIAL)
        alphabet = source.choice(ALPHABETS)
        return "".join(anything() if source.random() < 0.02 else source.choice(alphabet) for _ in range(length))

    return ["".join(run() for _ in range(source.randint(1, 5))) for _ in range(count)]


# --- tokenizers

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"


def template(before, after=""):
    def single(tokenizer):
        names = f"{before} $A {after}".split()
        special = [(name, tokenizer.token_to_id(name)) for name in names if name != "$A"]
        return processors.TemplateProcessing(single=" ".join(names), special_tokens=special)

    return single


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def byte_level(pattern):
    return pre_tokenizers.Sequence([split(pattern), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


BYTES = pre_tokenizers.ByteLevel.alphabet()
BYTE_FALLBACK = [f"<0x{byte:02X}>" for byte in range(256)]


def word_piece(corpus, *, lowercase, post, pre=pre_tokenizers.BertPreTokenizer()):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train(corpus, trainers.WordPieceTrainer(vocab_size=900, special_tokens=special, limit_alphabet=250))
    tokenizer.post_processor = post(tokenizer)
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def bert_processing(tokenizer):
    return processors.BertProcessing(("[SEP]", tokenizer.token_to_id("[SEP]")), ("[CLS]", tokenizer.token_to_id("[CLS]")))


def roberta_processing(tokenizer):
    return processors.RobertaProcessing(("</s>", tokenizer.token_to_id("</s>")), ("<s>", tokenizer.token_to_id("<s>")))


def byte_pairs(corpus, *, pre, normalizer=None, special=("<|endoftext|>",), post=None, added=(), **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    tokenizer.train(corpus, trainers.BpeTrainer(vocab_size=900, special_tokens=list(special), initial_alphabet=BYTES))
    tokenizer.add_tokens(list(added))
    byte_level_post = processors.ByteLevel(trim_offsets=False)
    tokenizer.post_processor = post(tokenizer) if post else byte_level_post
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def sentence_piece_bpe(corpus, *, legacy):
    """Llama 2's: no pre-tokenizer, spaces as ▁, bytes for what the vocabulary lacks."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    metaspace = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    tokenizer.pre_tokenizer = metaspace
    special = ["<unk>", "<s>", "</s>", *BYTE_FALLBACK]
    tokenizer.train(corpus, trainers.BpeTrainer(vocab_size=1100, special_tokens=special, limit_alphabet=120))
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = [each for each in state["added_tokens"] if each["id"] < 3]
    # Runs of spaces are tokens, as SentencePiece makes them.
    for left in ("▁", "▁▁"):
        state["model"]["vocab"][left * 2] = len(state["model"]["vocab"])
        state["model"]["merges"].append([left, left])
    tokenizer = Tokenizer.from_str(json.dumps(state))
    if legacy:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tokenizer.pre_tokenizer = None
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.post_processor = template("<s>")(tokenizer)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return tokenizer


def charsmap(corpus, rules):
    """The normalizer that SentencePiece compiles of its own rules, or of a table of them."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(Path(corpus[0]).read_text().split("\n")[:500]),
        model_writer=model,
        vocab_size=300,
        hard_vocab_limit=False,
        minloglevel=2,
        **rules,
    )
    read = sentencepiece_model_pb2.ModelProto()
    read.ParseFromString(model.getvalue())
    return read.normalizer_spec.precompiled_charsmap


def small_rules(folder):
    """NFKC of some hundred characters, with sequences, one that vanishes, and one whose first letter is a rule of its own."""
    sources = [chr(code) for code in [*range(0xA0, 0x180), *range(0xFB00, 0xFB07), *range(0xFF01, 0xFF5F), 0x2460, 0x3000, 0x337F]]
    rules = {each: unicodedata.normalize("NFKC", each) for each in sources if unicodedata.normalize("NFKC", each) != each}
    rules |= {"\t": " ", "\r": " ", "\n": " ", "\u200b": " ", "\ufeff": "", "\x01": "", "e\u0301": "é", "o\u0308": "ö", "ﾊﾟ": "パ", "ﾊ": "ハ"}
    codes = lambda text: " ".join(f"{ord(each):X}" for each in text)
    path = Path(folder) / "rules.tsv"
    path.write_text("".join(f"{codes(source)}\t{codes(target)}\n" for source, target in rules.items()))
    return dict(normalization_rule_tsv=str(path))


def unigram(corpus, *, normalizer, pre, post, byte_fallback=False):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    special = ["<s>", "<pad>", "</s>", "<unk>", *(BYTE_FALLBACK if byte_fallback else [])]
    trainer = trainers.UnigramTrainer(vocab_size=1000, special_tokens=special, unk_token="<unk>", max_piece_length=16)
    tokenizer.train(corpus, trainer)
    if byte_fallback:
        state = json.loads(tokenizer.to_str())
        state["model"]["byte_fallback"] = True
        state["added_tokens"] = [each for each in state["added_tokens"] if each["id"] < 4]
        tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.post_processor = post(tokenizer)
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def xlm_roberta(corpus, rules):
    normalizer = normalizers.Sequence(
        [normalizers.Precompiled(charsmap(corpus, rules)), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    return unigram(corpus, normalizer=normalizer, pre=pre_tokenizers.Metaspace(), post=template("<s>", "</s>"))


def albert(corpus):
    steps = [
        normalizers.Replace("``", '"'),
        normalizers.Replace("''", '"'),
        normalizers.NFKD(),
        normalizers.StripAccents(),
        normalizers.Lowercase(),
        normalizers.Strip(),
        normalizers.Replace(Regex(" {2,}"), " "),
    ]
    pre = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    return unigram(corpus, normalizer=normalizers.Sequence(steps), pre=pre, post=template("", "</s>"), byte_fallback=True)


def tokenizers_of(corpus, folder):
    metaspace_parts = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Whitespace(),
            pre_tokenizers.Punctuation("merged_with_previous"),
            pre_tokenizers.Digits(individual_digits=False),
        ]
    )
    added = [
        AddedToken("Graft®", single_word=True, normalized=False),
        AddedToken("don't", single_word=True),
        AddedToken("ΟΔ", lstrip=True, rstrip=True),
    ]
    ignoring = byte_pairs(
        corpus,
        pre=byte_level(LLAMA3),
        special=["<|begin_of_text|>", "<|endoftext|>"],
        post=lambda each: processors.Sequence([processors.ByteLevel(trim_offsets=False), template("<|begin_of_text|>")(each)]),
        ignore_merges=True,
    )
    return {
        "bert-uncased": word_piece(corpus, lowercase=True, post=template("[CLS]", "[SEP]")),
        "bert-cased": word_piece(corpus, lowercase=False, post=bert_processing),
        "word-piece-parts": word_piece(corpus, lowercase=True, post=template("[CLS]", "[SEP]"), pre=metaspace_parts),
        "roberta": byte_pairs(
            corpus,
            pre=pre_tokenizers.ByteLevel(add_prefix_space=True),
            special=["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, special=True)],
            post=roberta_processing,
        ),
        "qwen2": byte_pairs(corpus, pre=byte_level(QWEN2), normalizer=normalizers.NFC(), special=["<|endoftext|>", "<|im_start|>"], added=added),
        "llama-3": ignoring,
        "smollm2": byte_pairs(
            corpus,
            pre=pre_tokenizers.Sequence(
                [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
            ),
        ),
        "o200k": byte_pairs(corpus, pre=byte_level(O200K), normalizer=normalizers.NFKC()),
        "bloom": byte_pairs(corpus, pre=byte_level(BLOOM)),
        "llama-2": sentence_piece_bpe(corpus, legacy=True),
        "llama-2-metaspace": sentence_piece_bpe(corpus, legacy=False),
        "xlm-roberta": xlm_roberta(corpus, small_rules(folder)),
        "albert": albert(corpus),
    }


def write_json(path, value):
    Path(path).write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


CUT = 8


def golden_cases(tokenizer):
    """Of each text the ids, the ids when it is cut to 8, and what the ids are decoded to."""
    texts = [*PICKED, *random_texts(40, 11)]
    whole = [tokenizer.encode(text).ids for text in texts]
    decoded = [tokenizer.decode(ids, skip_special_tokens=False) for ids in whole]
    tokenizer.enable_truncation(CUT)
    cut = [tokenizer.encode(text).ids for text in texts]
    return [dict(zip(("text", "ids", "cut", "decoded"), case)) for case in zip(texts, whole, cut, decoded)]


def beginnings(files, folder):
    """The first 300 kB of each file, in files of their own."""
    paths = []
    for at, file in enumerate(files):
        path = Path(folder) / f"corpus-{at}.txt"
        path.write_bytes(Path(file).read_bytes()[:300_000].rpartition(b"\n")[0])
        paths.append(str(path))
    return paths


def train(out, *files):
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    corpus = beginnings(files, out)
    for name, tokenizer in tokenizers_of(corpus, out).items():
        folder = out / name
        folder.mkdir(exist_ok=True)
        write_json(folder / "tokenizer.json", json.loads(tokenizer.to_str()))
        write_json(folder / "cases.json", golden_cases(tokenizer))
    for path in (*corpus, out / "rules.tsv"):
        Path(path).unlink()


def nmt_nfkc(out, *files):
    """XLM-R's own normalizer, whose table is too large to commit."""
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = xlm_roberta(beginnings(files, folder), dict(normalization_rule_name="nmt_nfkc"))
    write_json(folder / "tokenizer.json", json.loads(tokenizer.to_str()))


def ids(file):
    tokenizer = Tokenizer.from_file(file)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    for line in sys.stdin:
        print(json.dumps(tokenizer.encode(json.loads(line)).ids, separators=(",", ":")))


def gguf(file, out):
    from transformers import AutoTokenizer

    path = Path(file)
    AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name).save_pretrained(out)


def texts(count):
    for text in random_texts(int(count), 3):
        print(json.dumps(text))


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    {"train": train, "nmt-nfkc": nmt_nfkc, "ids": ids, "gguf": gguf, "texts": texts}[command](*arguments)
