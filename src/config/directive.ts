// What stands in a configuration beside keywords: includes, conditions, parameters, sequences. The reference page and
// `keepalived help` have them from here; the lexer knows what they do.

export interface Directive {
  /** As one writes it, and as `help` is asked for it. */
  readonly names: readonly string[];
  readonly syntax: string;
  readonly doc: string;
  /** Lines that can be read as they stand, alone. */
  readonly example: readonly string[];
  readonly since?: '2.4.3';
}

const include = (name: string, doc: string): Directive => ({
  names: [name],
  syntax: `${name} <path>`,
  doc,
  example: [`${name} /etc/keepalived/conf.d/*.conf`],
});

const braced = (name: string): string => `\${${name}}`;

const builtIn = (name: string, words: string, doc: string, value: string): Directive => ({
  names: [`\${${name}}`, name, `$${name}`],
  syntax: `\${${name}${words}}`,
  doc,
  example: [`$VALUE=\${${name}${value}}`],
});

export const DIRECTIVES: readonly Directive[] = [
  include(
    'include',
    'Read files in place of the line; * ? [ ] and {a,b} are patterns. What is missing is said, and reading goes on.',
  ),
  include('includer', 'The same; reading ends where a file cannot be read.'),
  include('includem', 'The same; reading ends where a file that is no pattern is missing too.'),
  include('includew', 'The same; reading ends where a pattern matches nothing too.'),
  include('includeb', 'The same; reading ends where one alternative in braces is missing.'),
  include('includea', 'The same; reading ends at any of these.'),
  {
    names: ['@id', '@', '@^id', '@^'],
    syntax: '@<id> <line> | @^<id> <line>',
    doc: 'The line counts only where <id> is the configuration id (-i, else the host name up to its first dot); with ^ only where it is not.',
    example: ['@lb1 $PRIORITY=100', '@^lb1 $PRIORITY=90'],
  },
  {
    names: ['$NAME=', '$NAME', braced('NAME'), '$'],
    syntax: '$<name>=<text>',
    doc: `Define a parameter: $<name> before a blank, a comma or ), and ${braced('<name>')} anywhere, stand for the text. It goes on in the next line behind a \\.`,
    example: ['$NETWORK=192.0.2'],
  },
  builtIn('_PWD', '', 'The folder of the file that is read.', ''),
  builtIn('_INSTANCE', '', 'The configuration id.', ''),
  builtIn(
    '_RANDOM',
    ' [<min> [<max>]]',
    'A random number, a new one each time; from 0 to 32767 where nothing else is said.',
    ' 1 254',
  ),
  builtIn('_HASH', '', 'A #, which begins a comment unless it is in quotes.', ''),
  builtIn('_BANG', '', 'A !, which begins a comment unless it is in quotes.', ''),
  { ...builtIn('_ENV', ' <variable>', 'A variable of the environment.', ' HOME'), since: '2.4.3' },
  {
    names: ['~SEQ', '~SEQx'],
    syntax: '~SEQ(<name>,[[<start>,][<step>,]]<end>) <line>',
    doc: 'Repeat the line with $<name> from start (1, or -1 for an end below 0) to end; ~SEQx counts in hexadecimal.',
    example: ['~SEQ(number,1,3) $LAST=$number'],
  },
  {
    names: ['~LST'],
    syntax: '~LST(<name>,<value>,...) <line> | ~LST({<name>,...},{<value>,...},...) <line>',
    doc: 'Repeat the line with $<name> for each value, or with several names for each set of values.',
    example: ['~LST(name,eth0,eth1) $LAST=$name'],
  },
];

/** The entry of one, as `help` prints it. */
export const directiveEntries = (name: string): readonly string[] =>
  DIRECTIVES.filter(({ names }) => names.includes(name)).map(({ syntax, doc, example, since }) =>
    [
      syntax,
      '  in       any place where a line begins',
      `  meaning  ${doc}${since === undefined ? '' : ' Newer than keepalived 2.2.7.'}`,
      ...example.map((line, at) => (at === 0 ? `  example  ${line}` : `           ${line}`)),
    ].join('\n'),
  );
