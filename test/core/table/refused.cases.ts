/** Tables that are refused, each with what is said. */
import { gzipSync } from 'node:zlib'
import { snappy } from './parquet.ts'
import { type Case, bytes, csv, fails, latin1, utf16 } from './case.ts'

export const refused: Case[] = [
  csv('a column that stands twice', 'text,label,text\na,b,c\n', fails('data-column', 'the column "text" twice')),
  csv('a column twice but for white space', 'text, text\na,b\n', fails('data-column', '"text" twice')),
  csv('a column twice in TSV', 'text\tid\tid\na\tb\tc\n', fails('data-column', '"id" twice'), { name: 'a.tsv' }),
  csv('a key twice', '{"text":"a","text":"b"}', fails('data-row', 'has "text" twice', '', 1), { name: 'a.jsonl' }),
  csv(
    'columns that differ in case alone',
    'Text,text\na,b\n',
    fails('data-column', 'both "Text" and "text"', '--text'),
  ),
  csv(
    'a TSV header that is not known',
    'Nachricht\tArt\nhallo\tx\n',
    fails('data-column', 'the columns are Nachricht, Art', 'Name the column with --text'),
    { name: 'a.tsv' },
  ),
  csv('the same without a name', 'Nachricht\tArt\nhallo\tx\n', fails('data-column', 'the columns are Nachricht, Art'), {
    name: 'stdin',
  }),
  csv(
    'another delimiter than is looked for',
    'Nachricht|Art\na|b\n',
    fails('data-column', 'Nachricht|Art', '--delimiter "|"'),
  ),
  csv(
    'a name in another case',
    'Nachricht,Art\na,b\n',
    fails('data-column', 'no column "nachricht"', '--text "Nachricht"'),
    { text: 'nachricht' },
  ),
  csv(
    'a file without a header',
    'so good,joy\nso bad,sad\n',
    fails('data-column', 'so good, joy', 'put a line such as text,label'),
  ),
  csv('an unknown format', 'some words\n', fails('file-format', 'the first line "some words"'), { name: 'a.txt' }),
  csv('another delimiter without a name', 'text|label\na|b\n', fails('file-format', 'text|label', '--delimiter "|"'), {
    name: 'stdin',
  }),
  csv('a JSON array', '[{"text":"a"}]', fails('file-format', 'first line', 'jq -c'), { name: 'a.json' }),
  csv('an empty file', '', fails('file-empty', 'holds no rows')),
  csv('blank lines alone', '\n \n', fails('file-empty', 'holds no rows')),
  csv('a header alone', 'text,label\n', fails('file-empty', 'holds no rows')),
  csv('a sep= line alone', 'sep=;\n', fails('file-empty', 'holds no rows')),
  csv(
    'too many fields',
    'text,id\na,1\nb,2,3\n',
    fails('data-row', 'line 3: the row has 3 fields, the header 2', 'in quotes', 3),
  ),
  csv(
    'too few fields of TSV',
    'text\tid\n"a\nb"\t1\n',
    fails('data-row', 'line 2: the row has 1 fields', 'name it .csv', 2),
    { name: 'a.tsv' },
  ),
  csv(
    'an open quote',
    'text,id\na,1\n"b,2\nc,3\n',
    fails('data-row', 'line 3: a quoted field is not closed', 'doubled', 3),
  ),
  csv('text after a quote', 'text,id\na,1\n"b"c,2\n"d",3\n', fails('data-row', 'line 3: text follows', 'doubled', 3)),
  csv('an open quote in small blocks', 'text,id\n"a",1\n"b,2\nc,3\n', fails('data-row', 'line 3: a quoted', '', 3), {
    chunk: 1,
  }),
  csv('no tab', 'ham\tx\nham\ty\nspam y\n', fails('data-row', 'line 3: no tab', '', 3), { name: 'a' }),
  csv('no JSON', '{"text":"a"}\n{"text":\n', fails('data-row', 'line 2: not JSON', '', 2), { name: 'a.jsonl' }),
  csv('a number for a row', '{"text":"a"}\n7\n', fails('data-row', 'line 2: not a JSON object', '', 2), {
    name: 'a.jsonl',
  }),
  csv('a list for a text', '{"text":["a"]}\n', fails('data-row', 'line 1: "text" is ["a"], not text', '', 1), {
    name: 'a.jsonl',
  }),
  csv('a zero byte', 'text,id\na,1\nb\0,2\n', fails('file-binary', 'line 3: a zero byte', '', 3)),
  csv(
    'UTF-16 without a mark',
    utf16('text,id\na,1\n'),
    fails('file-encoding', 'looks like utf-16le', '--encoding utf-16le'),
  ),
  csv(
    'windows-1252',
    latin1('text,id\na,1\ncaf\xe9,2\n'),
    fails('file-encoding', 'line 3: not UTF-8: it looks like windows-1252', '--encoding windows-1252', 3),
  ),
  csv(
    'another script',
    latin1('text,id\na,1\n\xcf\xf0\xe8\xe2\xe5\xf2 \xec\xe8\xf0,2\n'.repeat(9)),
    fails('file-encoding', 'line 3: not UTF-8', 'windows-1251'),
  ),
  csv('windows-1252 in small blocks', latin1('text,id\n\xe9,2\n'), fails('file-encoding', 'line 2: not UTF-8', '', 2), {
    chunk: 1,
  }),
  csv(
    'a cut character',
    [...Buffer.from('text,id\na,é')].slice(0, -1),
    fails('file-encoding', 'line 2: it ends within', 'cut off', 2),
  ),
  csv('an unknown encoding', 'text\na\n', fails('usage', 'no encoding "klingon"'), {
    options: { encoding: 'klingon' },
  }),
  csv('a delimiter of two', 'text\na\n', fails('usage', '"::" cannot stand'), { options: { delimiter: '::' } }),
  csv('a delimiter for JSON', '{"text":"a"}', fails('usage', 'JSON Lines'), {
    name: 'a.jsonl',
    options: { delimiter: ';' },
  }),
  csv('damaged gzip', [...gzipSync('text,id\na,1\n')].slice(0, -9), fails('file-format', 'gzip file is damaged')),
  csv('an Excel file', [0x50, 0x4b, 3, 4, 0, 0], fails('file-binary', 'Excel', 'Save the sheet as CSV')),
  csv('damaged Parquet', bytes(snappy).slice(0, -40), fails('file-format', 'not sound Parquet'), { name: 'a.parquet' }),
  csv(
    'line breaks for TSV',
    'text,id\n"a\nb",1\n',
    fails('data-row', 'line 2: field 1 holds a tab or a line break', 'CSV', 2),
    { output: 'b.tsv' },
  ),
  csv(
    'a column that comes late',
    '{"text":"a"}\n{"text":"b","x":1}\n',
    fails('data-row', 'line 2: the column "x" is new', '', 2),
    { name: 'a.jsonl', output: 'b.csv' },
  ),
  csv(
    'a result’s name that comes late',
    '{"text":"a"}\n{"text":"b","label":1}\n',
    fails('data-row', 'line 2: the column "label" is new', '', 2),
    { name: 'a.jsonl' },
  ),
]
