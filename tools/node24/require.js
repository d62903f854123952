// First step of `npm start` and `npm test`. Plain JavaScript, so that an old Node can read it and say what to do.
const major = Number(process.versions.node.split('.')[0]);

if (major < 24) {
  console.error(
    `Node 24 or later is needed, and this is Node ${process.versions.node} (${process.platform} ${process.arch}).\n` +
      'On Linux and on Windows x64 `npm ci` brings Node 24 along (unless optional packages are switched off);\n' +
      'elsewhere install it from https://nodejs.org, then run `npm ci` and the same command again.'
  );
  process.exit(3);
}
