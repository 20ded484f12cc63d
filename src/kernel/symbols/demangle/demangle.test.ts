// Goal: names read as people wrote them, wrong names never, hostile ones harmless. Method: a table; every name that
// the C++ library here exports beside c++filt's; names changed at random.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { findProgram } from '../../../../test/fixtures/process.ts';
import { needs } from '../../../../test/helpers/needs.ts';
import { type ByteSource, withFile } from '../byte-source.ts';
import { readElfHeader } from '../elf-header.ts';
import { readSymbols } from '../elf-symbols.ts';
import { demangle } from './demangle.ts';

const NAMES: [kind: string, mangled: string, plain: string][] = [
  ['C', 'ngx_epoll_process_events', 'ngx_epoll_process_events'],
  ['a function', '_Z3fooiPKc', 'foo(int, char const*)'],
  ['a const member', '_ZNK4node11Environment3runEv', 'node::Environment::run() const'],
  ['constructor, destructor', '_ZN1A1BD2Ev', 'A::B::~B()'],
  ['an operator', '_ZlsRSoRK1A', 'operator<<(std::ostream&, A const&)'],
  [
    'the standard library',
    '_ZNSt6vectorIiSaIiEE9push_backEOi',
    'std::vector<int, std::allocator<int> >::push_back(int&&)',
  ],
  ['a template function has a result', '_Z3maxIiET_S0_S0_', 'int max<int>(int, int)'],
  ['a pack', '_ZN1A4packIJiRdEEEvDpOT_', 'void A::pack<int, double&>(int&&, double&)'],
  ['an empty pack', '_ZN1A4packIJEEEvDpOT_', 'void A::pack<>()'],
  ['pointers to functions', '_Z1gPFviEPA3_i', 'g(void (*)(int), int (*) [3])'],
  ['pointers to members', '_Z1gM1AiMS_KFviE', 'g(int A::*, void (A::*)(int) const)'],
  ['a result around the name', '_Z5retfpIiEPFicET_', 'int (*retfp<int>(int))(char)'],
  ['a conversion to its own argument', '_ZNK1AcvT_IiEEv', 'A::operator int<int>() const'],
  [
    'a lambda',
    '_ZZ3use1AENKUlT_iE_clIiEEDaS0_i',
    'auto use(A)::{lambda(auto:1, int)#1}::operator()<int>(int, int) const',
  ],
  ['an anonymous namespace', '_ZN12_GLOBAL__N_11QD1Ev', '(anonymous namespace)::Q::~Q()'],
  ['a part of a function', '_Z3foov.cold', 'foo() [clone .cold]'],
  ['a virtual table', '_ZTV1A', 'vtable for A'],
  ['a thunk', '_ZThn8_N1A1fEv', 'non-virtual thunk to A::f()'],
  ['numbers as arguments', '_Z1fILi5ELb1ELj7EEvv', 'void f<5, true, 7u>()'],
  ['an ABI tag', '_Z1fB5cxx11v', 'f[abi:cxx11]()'],
  ['Rust, legacy', '_ZN4core6option13unwrap_failed17h320d1028fee2c17cE', 'core::option::unwrap_failed'],
  [
    'Rust, legacy, punctuation',
    '_ZN73_$LT$$u5b$A$u5d$$u20$as$u20$core..slice..cmp..SlicePartialEq$LT$B$GT$$GT$5equal17h7352834d313e9b1bE',
    '<[A] as core::slice::cmp::SlicePartialEq<B>>::equal',
  ],
  ['Rust, v0', '_RNvCsbFYJioi4cCO_2rs7dynamic', 'rs::dynamic'],
  [
    'Rust, v0, generics and a closure',
    '_RINvCsbFYJioi4cCO_2rs5applyNCNvB2_4main0EB2_',
    'rs::apply::<rs::main::{closure#0}>',
  ],
  [
    'Rust, v0, types',
    '_RINvCsbFYJioi4cCO_2rs7genericSTReFhEbEEB2_',
    'rs::generic::<[(&str, fn(u8) -> bool)]>',
  ],
  [
    'Rust, v0, an array in a trait',
    '_RNvXs1g_NtCsgEmfK2I1SDS_4core3fmtRAINtNtB8_6option6OptionxEj1_NtB6_5Debug3fmtCsbFYJioi4cCO_2rs',
    '<&[core::option::Option<i64>; 1] as core::fmt::Debug>::fmt',
  ],
  ['cut short', '_ZN4node11Envir', '_ZN4node11Envir'],
  ['a substitution that is not there', '_Z1fS5_', '_Z1fS5_'],
  ['a reference to itself', '_RNvB_1a', '_RNvB_1a'],
];

for (const [kind, mangled, plain] of NAMES) {
  test(`demangle: ${kind}`, () => assert.equal(demangle(mangled), plain));
}

test('hostile names come back in bounded time', () => {
  // Each argument is twice the one before: St4pairIS0_S0_E after St4pairIiiE, and so on.
  const twice = (i: number) =>
    `St4pairIS${(2 * i).toString(36).toUpperCase()}_S${(2 * i).toString(36).toUpperCase()}_E`;
  const doubling = `_Z1fSt4pairIiiE${Array.from({ length: 40 }, (_, i) => twice(i)).join('')}`;
  assert.match(
    demangle(`_Z1fSt4pairIiiE${twice(0)}`),
    /^f\(std::pair<int, int>, std::pair<std::pair<int, int>, std::pair/,
  );
  const deep = `_Z1f${'P'.repeat(3000)}i`;
  for (const name of [doubling, deep, `_R${'I'.repeat(3000)}`]) assert.equal(demangle(name), name);
});

test('names changed at random never throw, nor grow without end', () => {
  const seeds = NAMES.map(([, mangled]) => mangled);
  const change = fc.tuple(fc.nat(200), fc.constantFrom(...'SIT_EJDpN0129KPRvLXZlsr'));
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds),
      fc.array(change, { minLength: 1, maxLength: 6 }),
      (seed, changes) => {
        const letters = [...seed];
        for (const [at, letter] of changes) letters[2 + (at % (letters.length - 2))] = letter;
        assert.ok(demangle(letters.join('')).length <= 40_000);
      },
    ),
    { numRuns: 3000 },
  );
});

test('the C++ library’s names are those of c++filt', (t) => {
  const [path] = globSync('/usr/lib/*/libstdc++.so.6');
  if (!needs(t, path !== undefined && findProgram('c++filt') !== null, 'libstdc++ and c++filt (binutils)'))
    return;
  const read = (source: ByteSource) => {
    const table = readSymbols(source, readElfHeader(source));
    return Array.from(table.addresses, (_, i) => table.nameOf(i)).filter((name) => name.startsWith('_Z'));
  };
  const names = withFile(path!, read, { trusted: true })!;
  assert.ok(names.length > 3000, String(names.length));
  const theirs = execFileSync('c++filt', { input: `${names.join('\n')}\n`, encoding: 'utf8' }).split('\n');
  // c++filt writes the old string out in full, gdb and people do not.
  const short = (name: string) =>
    name
      .replaceAll('std::basic_string<char, std::char_traits<char>, std::allocator<char> >', 'std::string')
      .replace(/std::basic_([io]+stream)<char, std::char_traits<char> >/g, 'std::$1')
      .replaceAll('std::string >', 'std::string>');
  const different = names.filter((name, i) => short(demangle(name)) !== short(theirs[i]!));
  assert.deepEqual(different, []);
});
