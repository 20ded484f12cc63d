/** argv in, exit status out. Every failure ends here as a message that says what, why and what to type next. */
import { Command, CommanderError } from 'commander';
import { EXIT, LoopscopeError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { VERSION } from '../version.ts';
import { fitted } from './fitted.ts';
import { layOutHelp } from './help.ts';
import { hidePassword } from './proxy/typed-command.ts';
import { COMMANDS, commandsFor } from './registry.ts';

async function main(argv: string[]): Promise<number> {
  const program = new Command('loopscope')
    .description(
      'Drives an event-loop server with truthful load, watches its loop from the kernel, and names what makes it late.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpCommand('help [command]', 'show help for a command')
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  layOutHelp(program);
  let status: number = EXIT.ok;
  for (const command of await commandsFor(argv)) {
    const sub = program.command(command.usage).description(command.summary).exitOverride();
    sub.configureOutput({ outputError: () => {} }).showSuggestionAfterError();
    layOutHelp(sub);
    command.configure(sub, (code) => {
      status = code;
    });
  }
  program.addHelpText('after', '\nFirst time here? Try: loopscope lab demo');
  try {
    if (argv.length === 0) {
      program.outputHelp();
      return EXIT.usage;
    }
    await program.parseAsync(argv, { from: 'user' });
    return status;
  } catch (error) {
    return reportFailure(error, argv);
  }
}

/** What commander says, with its suggestion where our hints are. */
function usageError({ message }: CommanderError, firstWord: string | undefined): LoopscopeError {
  const [what = '', suggestion] = message.replace(/^error: /, '').split('\n');
  const near = suggestion === undefined ? null : /\(Did you mean (.*)\?\)/.exec(suggestion);
  const command = COMMANDS.some(({ name }) => name === firstWord) ? `${firstWord} ` : '';
  return new LoopscopeError(
    'USAGE',
    what,
    near ? `did you mean ${near[1]}?` : `see 'loopscope ${command}--help'`,
  );
}

function reportFailure(error: unknown, argv: string[]): number {
  if (error instanceof CommanderError) {
    // Help and version are exits too, of the good kind.
    if (error.exitCode === 0) return EXIT.ok;
    return reportFailure(usageError(error, argv[0]), argv);
  }
  const known = error instanceof LoopscopeError;
  const code = known ? error.code : 'INTERNAL';
  const message = error instanceof Error ? error.message : String(error);
  const hint = known ? error.hint : 'this is a bug in loopscope; please report it with the text above';
  if (argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ error: { code, message, hint } })}\n`);
  }
  process.stderr.write(fitted(process.stderr, `loopscope: ${printable(message, 2000)}`));
  if (!known && error instanceof Error && error.stack) process.stderr.write(`${error.stack}\n`);
  // Many a hint begins so itself.
  if (hint) {
    const text = `  try: ${printable(hint.replace(/^try:? /, ''), 500)}`;
    process.stderr.write(fitted(process.stderr, text, ' '.repeat('  try: '.length)));
  }
  return known ? error.exitCode : EXIT.failed;
}

// A reader that closes early (| head) ends us quietly, as it ends other tools. A full disk is told, without a trace of us.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  const failure = new LoopscopeError(
    'RUN_FILE_WRITE',
    `standard output could not be written: ${error.message}`,
    'free space, or send it elsewhere',
    error,
  );
  process.exit(reportFailure(failure, []));
});

hidePassword();
process.exitCode = await main(process.argv.slice(2));
