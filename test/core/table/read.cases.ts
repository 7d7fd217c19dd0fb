/** Tables that are read, and written as they were. */
import { gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { snappy, zstd } from './parquet.ts'
import { type Case, bytes, csv, utf16, latin1 } from './case.ts'

export const read: Case[] = [
  csv('CSV', 'label,text\nham,"hi, you"\nspam,"say ""yes"""', {
    columns: ['label', 'text'],
    rows: [
      [2, 'ham', 'hi, you'],
      [3, 'spam', 'say "yes"'],
    ],
    written: 'label,text,label_2,score_2\nham,"hi, you",L,0.5\nspam,"say ""yes""",L,0.5\n',
  }),
  csv('a header of white space and a column without a name', ' id ,,Text\n1,x,hi\n', {
    columns: ['id', 'column 2', 'Text'],
    text: 'Text',
    rows: [[2, '1', 'x', 'hi']],
    written: '" id ",,Text,label,score\n1,x,hi,L,0.5\n',
  }),
  csv('ids, decimals and leading zeros as they are', 'text,id,n,z\na,1234567890123456789,1.0,007\n', {
    rows: [[2, 'a', '1234567890123456789', '1.0', '007']],
    written: 'text,id,n,z,label,score\na,1234567890123456789,1.0,007,L,0.5\n',
  }),
  csv('CRLF and a byte order mark, which are kept', '\ufefftext,id\r\n"two\r\nlines",1\r\nb,2\r\n', {
    columns: ['text', 'id'],
    rows: [
      [2, 'two\r\nlines', '1'],
      [4, 'b', '2'],
    ],
    written: '\ufefftext,id,label,score\r\n"two\r\nlines",1,L,0.5\r\nb,2,L,0.5\r\n',
  }),
  csv('CR alone', 'text,id\ra,1\r"b\rc",2\r', {
    rows: [
      [2, 'a', '1'],
      [3, 'b\rc', '2'],
    ],
    written: 'text,id,label,score\ra,1,L,0.5\r"b\rc",2,L,0.5\r',
  }),
  csv('mixed line ends', 'id,text\r\n1,a\n2,b\r\n3,"c"\r\n4,d', {
    rows: [
      [2, '1', 'a'],
      [3, '2', 'b'],
      [4, '3', 'c'],
      [5, '4', 'd'],
    ],
  }),
  csv('a quoted field that ends in CR', 'id,text\n1,"a\r"\n2,b\n', {
    rows: [
      [2, '1', 'a\r'],
      [3, '2', 'b'],
    ],
  }),
  csv('semicolons', 'text;label\r\n"a;b";x\r\n', {
    columns: ['text', 'label'],
    rows: [[2, 'a;b', 'x']],
    written: 'text;label;label_2;score_2\r\n"a;b";x;L;0.5\r\n',
  }),
  csv(
    'semicolons between names that are not known',
    'Nachricht, kurz;Art\na;x\n',
    {
      columns: ['Nachricht, kurz', 'Art'],
      text: 'Nachricht, kurz',
      rows: [[2, 'a', 'x']],
    },
    { text: 'Nachricht, kurz' },
  ),
  csv('tabs, with quotes, where the name says CSV', 'text\tid\n"a\tb"\t1\n', { rows: [[2, 'a\tb', '1']] }),
  csv('a sep= line, which is kept', 'sep=;\ntext;id\na;1\n', {
    columns: ['text', 'id'],
    rows: [[3, 'a', '1']],
    written: 'sep=;\ntext;id;label;score\na;1;L;0.5\n',
  }),
  csv('another delimiter that is given', 'text|id\na|1\n', { rows: [[2, 'a', '1']] }, { options: { delimiter: '|' } }),
  csv('one column, of text with commas in quotes', 'text\n"a, b"\nc\n', {
    rows: [
      [2, 'a, b'],
      [3, 'c'],
    ],
  }),
  csv('blank texts', 'text,id\na,1\n,2\n"  ",3\nb,4\n', {
    rows: [
      [2, 'a', '1'],
      [3, '', '2'],
      [4, '  ', '3'],
      [5, 'b', '4'],
    ],
    written: 'text,id,label,score\na,1,L,0.5\n,2,,\n"  ",3,,\nb,4,L,0.5\n',
    blank: 2,
  }),
  csv('nothing but blank texts', 'text,id\n,2\n', { written: 'text,id,label,score\n,2,,\n', blank: 1 }),
  csv('blank lines', 'text,id\n\na,1\n   \n\r\nb,2\n\n', {
    rows: [
      [3, 'a', '1'],
      [6, 'b', '2'],
    ],
  }),
  csv('columns of an earlier run', 'text,label,score,label_2\na,x,1,y\n', {
    written: 'text,label,score,label_2,label_3,score_3\na,x,1,y,L,0.5\n',
  }),
  csv('names that objects have', 'text,__proto__,constructor\na,b,c\n', {
    columns: ['text', '__proto__', 'constructor'],
    rows: [[2, 'a', 'b', 'c']],
    written: 'text,__proto__,constructor,label,score\na,b,c,L,0.5\n',
  }),
  csv('a quote within a field', 'text,id\n5" pipe,1\n', {
    rows: [[2, '5" pipe', '1']],
    written: 'text,id,label,score\n"5"" pipe",1,L,0.5\n',
  }),
  csv(
    'formulas, where the reader is a spreadsheet',
    'text,n\n=1+1,-1.5\n@x,+4\n-2+3,1e-3\n',
    {
      written: "text,n,label,score\n'=1+1,-1.5,L,0.5\n'@x,+4,L,0.5\n'-2+3,1e-3,L,0.5\n",
    },
    { defuse: true },
  ),
  csv('formulas as they are otherwise', 'text\n=1+1\n', { written: 'text,label,score\n=1+1,L,0.5\n' }),
  csv(
    'cells over the borders of blocks',
    `text,id\n"${'a "" é世👍\n'.repeat(50)}",1\nb,2\n`,
    {
      rows: [
        [2, 'a " é世👍\n'.repeat(50), '1'],
        [53, 'b', '2'],
      ],
    },
    { chunk: 7 },
  ),
  csv(
    'CRLF over the borders of blocks',
    'text,id\r\n"a",1\r\n"b","2"\r\n',
    {
      rows: [
        [2, 'a', '1'],
        [3, 'b', '2'],
      ],
    },
    { chunk: 1 },
  ),
  csv(
    'a huge cell',
    `text,id\n"${'x'.repeat(3_000_000)}",1\n`,
    { columns: ['text', 'id'], blank: 0 },
    { chunk: 65_536 },
  ),
  csv(
    'UTF-16 by its mark',
    utf16('\ufefftext,id\né世,1\n'),
    {
      rows: [[2, 'é世', '1']],
      written: '\ufefftext,id,label,score\né世,1,L,0.5\n',
    },
    { chunk: 5 },
  ),
  csv('UTF-16 of the other order', utf16('\ufefftext,id\né世,1\n', true), { rows: [[2, 'é世', '1']] }),
  csv(
    'windows-1252 that is given',
    [...latin1('text,id\ncaf\xe9 \x80,1\n')],
    { rows: [[2, 'café €', '1']] },
    {
      options: { encoding: 'windows-1252' },
    },
  ),
  csv('gzip', [...gzipSync('text,id\na,1\n')], { rows: [[2, 'a', '1']] }, { name: 'a.csv.gz' }),
  csv('gzip whatever its name', [...gzipSync('{"text":"a"}\n')], { rows: [[1, 'a']] }, { name: 'stdin' }),
  csv(
    'CSV to JSON Lines',
    'text,id\na,1.0\n',
    {
      written: '{"text": "a", "id": "1.0", "label": "L", "score": 0.5}\n',
    },
    { output: 'b.jsonl' },
  ),
  csv('CSV to TSV', 'text,id\na,1\n', { written: 'text\tid\tlabel\tscore\na\t1\tL\t0.5\n' }, { output: 'b.tsv' }),
  csv(
    'TSV whose texts begin with quotes',
    'text\tid\n"a\t1\nb"\t2\n"c"\t3\n"\t4\n',
    {
      rows: [
        [2, '"a', '1'],
        [3, 'b"', '2'],
        [4, '"c"', '3'],
        [5, '"', '4'],
      ],
      written: 'text\tid\tlabel\tscore\n"a\t1\tL\t0.5\nb"\t2\tL\t0.5\n"c"\t3\tL\t0.5\n"\t4\tL\t0.5\n',
    },
    { name: 'a.tsv' },
  ),
  csv(
    'TSV by its header, with CRLF',
    'sms\tcategory\r\na\tx\r\n',
    {
      columns: ['sms', 'category'],
      rows: [[2, 'a', 'x']],
      written: 'sms\tcategory\tlabel\tscore\r\na\tx\tL\t0.5\r\n',
    },
    { name: 'stdin' },
  ),
  csv(
    'TSV to CSV',
    'text\tid\n"a, b\t1\n',
    { written: 'text,id,label,score\n"""a, b",1,L,0.5\n' },
    {
      name: 'a.tsv',
      output: 'b.csv',
    },
  ),
  csv(
    'label<TAB>text without a header',
    'ham\t"Oh, no\nspam\tWin\t£1000"\n\nham\tok',
    {
      columns: ['label', 'text'],
      text: 'text',
      rows: [
        [1, 'ham', '"Oh, no'],
        [2, 'spam', 'Win\t£1000"'],
        [4, 'ham', 'ok'],
      ],
      written: 'label,text,label_2,score_2\nham,"""Oh, no",L,0.5\nspam,"Win\t£1000""",L,0.5\nham,ok,L,0.5\n',
    },
    { name: 'SMSSpamCollection' },
  ),
  csv(
    'the same as .tsv',
    'ham\tone\nham\ttwo\n',
    {
      rows: [
        [1, 'ham', 'one'],
        [2, 'ham', 'two'],
      ],
    },
    { name: 'a.tsv' },
  ),
  csv(
    'JSON Lines as they are written',
    '{"text": "caf\\u00e9", "id": 1234567890123456789, "n": 1.0}\n\n{"text":null,"z":[1.50, {"a": "}"}]}\n',
    {
      columns: ['text', 'id', 'n'],
      rows: [
        [1, 'café', { json: '1234567890123456789' }, { json: '1.0' }],
        [3, { json: 'null' }, undefined, undefined, { json: '[1.50, {"a": "}"}]' }],
      ],
      written:
        '{"text": "caf\\u00e9", "id": 1234567890123456789, "n": 1.0, "label": "L", "score": 0.5}\n' +
        '{"text":null,"z":[1.50, {"a": "}"}], "label": "", "score": null}\n',
      blank: 1,
    },
    { name: 'a.jsonl' },
  ),
  csv(
    'JSON Lines by their first line, CRLF',
    '\ufeff{"text":"a"}\r\n{"text":"b"}\r\n',
    {
      rows: [
        [1, 'a'],
        [2, 'b'],
      ],
      written: '\ufeff{"text":"a", "label": "L", "score": 0.5}\r\n{"text":"b", "label": "L", "score": 0.5}\r\n',
    },
    { name: 'stdin' },
  ),
  csv(
    'JSON Lines to CSV',
    '{"text":"a","id":1234567890123456789,"x":null,"y":[1, 2]}\n',
    {
      written: 'text,id,x,y,label,score\na,1234567890123456789,,"[1, 2]",L,0.5\n',
    },
    { name: 'a.jsonl', output: 'b.csv' },
  ),
  ...[snappy, zstd].map((base64, at) =>
    csv(
      `Parquet, ${['snappy', 'zstd'][at]}`,
      bytes(base64),
      {
        columns: ['id', 'text', 'score', 'tags'],
        rows: [
          [1, { json: '1234567890123456789' }, 'ok', { json: '1' }, { json: '["a"]' }],
          [2, { json: 'null' }, 'é "x", y\nz', { json: '0.5' }, { json: '[]' }],
          [3, { json: '3' }, { json: 'null' }, { json: 'null' }, { json: 'null' }],
        ],
        written: expect.stringContaining('"tags": ["a"], "label_2": "L", "score_2": 0.5}\n'),
        blank: 1,
      },
      { name: 'a.parquet', chunk: 100 },
    ),
  ),
]
