import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseCard } from './card.ts';
import { renderMarkdown } from './markdown.ts';

/** All that a rendered card can consist of: escaped text, and elements with attributes that run and load nothing. */
const harmless = new RegExp(
  `^(?:${[
    '[^<>&"\']',
    '"', // markdown-it escapes quotes in attributes, and in text those that matter
    "'",
    '&(?:amp|lt|gt|quot|#39);',
    '</?(?:h[3-6]|p|em|strong|s|ul|li|blockquote|thead|tbody|tr|table|code|pre|div|article|a|ol|span|td|th)>',
    '<(?:br|hr)>',
    '<pre tabindex="0">',
    '<div class="scroll" tabindex="0">',
    '<span class="image">',
    '<t[dh] class="(?:right|center)">',
    '<ol start="\\d+">',
    '<a href="(?:https?://|mailto:)[^"<>]*" rel="nofollow noreferrer">',
  ].join('|')})*$`,
  'u',
);

it('renders what cards have', () => {
  const card = `# Title\n\n###### Deep\n\nSome **bold** \`code\`, [a link](https://example.com/a?b=1&c=2).\n
| a | b |\n|--:|:-:|\n| 1 | 2 |\n\n3. three\n\n\`\`\`js" onload="x\nif (a < b) {}\n\`\`\`\n`;
  expect(renderMarkdown(card).text).toBe(`<h3>Title</h3>
<h6>Deep</h6>
<p>Some <strong>bold</strong> <code>code</code>, <a href="https://example.com/a?b=1&amp;c=2" rel="nofollow noreferrer">a link</a>.</p>
<div class="scroll" tabindex="0"><table>
<thead>
<tr>
<th class="right">a</th>
<th class="center">b</th>
</tr>
</thead>
<tbody>
<tr>
<td class="right">1</td>
<td class="center">2</td>
</tr>
</tbody>
</table></div>
<ol start="3">
<li>three</li>
</ol>
<pre tabindex="0"><code>if (a &lt; b) {}
</code></pre>
`);
});

it.each([
  ['<script>alert(1)</script>', ''],
  ['<script>\nalert(1)\n</script>\n\nafter', '<p>after</p>\n'],
  ['<img src=x onerror=alert(1)>', ''],
  ['<p align="center">Hello &amp; <b onclick="x">you</b></p>', '<p>Hello &amp; you</p>\n'],
  ['a <b onmouseover="x">b</b><br/>c', '<p>a b<br>c</p>\n'],
  ['<!-- a comment -->', ''],
  ['![A plot](https://tracker.example/x.png "title")', '<p><span class="image">A plot</span></p>\n'],
  ['![](https://tracker.example/x.png)', '<p></p>\n'],
  ['[x](javascript:alert(1))', '<p>x</p>\n'],
  ['[x](JaVaScRiPt&#58;alert(1))', '<p>x</p>\n'],
  ['[x](data:text/html,<script>alert(1)</script>)', '<p>x</p>\n'],
  ['[x](LICENSE)', '<p>x</p>\n'],
  ['[x](#top)', '<p>x</p>\n'],
  ['[x](//evil.example)', '<p>x</p>\n'],
  ['[x](https://user:secret@example.com)', '<p>x</p>\n'],
  ['[![badge](https://b.example/b.svg)](vbscript:x)', '<p><span class="image">badge</span></p>\n'],
  ['<javascript:alert(1)>', '<p>javascript:alert(1)</p>\n'],
  ['[ref]\n\n[ref]: file:///etc/passwd', '<p>ref</p>\n'],
  ['safe&#x202e;txt', '<p>safetxt</p>\n'],
])('makes %j harmless', (card, rendered) => {
  expect(renderMarkdown(card).text).toBe(rendered);
});

it('writes no element or attribute of a card, whatever the card', () => {
  const pieces = [
    ...[
      '<script>',
      '</script>',
      '<img src=x onerror=x>',
      '<a href="javascript:x">',
      '<!--',
      '-->',
      '<svg/onload=x>',
    ],
    ...[
      '[a](',
      '](javascript:x)',
      '![',
      ')',
      '[',
      ']',
      '](https://a.b/"x)',
      '<https://a.b>',
      '`',
      '```',
      '~~~js"x\n',
    ],
    ...[
      '# ',
      '> ',
      '- ',
      '1. ',
      '|a|b|\n|--:|--|\n',
      '\n',
      '\n\n',
      '    ',
      '\t',
      '*',
      '**',
      '_',
      '~~',
      '\\',
      '"',
      "'",
    ],
    ...[
      '&',
      '&lt;',
      '&#x3c;',
      '&#0;',
      '<',
      '>',
      '\u0000',
      '\u202e',
      '\ud800',
      'x',
      ' onclick=x ',
      ' style="x" ',
      '=',
      '{',
    ],
  ];
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((all) => all.join(''));
  fc.assert(
    fc.property(fc.oneof(text, fc.string({ unit: 'binary', maxLength: 60 })), (card) => {
      expect(renderMarkdown(parseCard(card).text).text).toMatch(harmless);
    }),
    { seed: 1, numRuns: 300 },
  );
});
