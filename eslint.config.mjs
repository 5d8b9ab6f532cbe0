/** ESLint: typed rules. Which room may import which: .dependency-cruiser.mjs. */
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      'dist/',
      '.build-*/',
      'node_modules/',
      'models/',
      'coverage/',
      '**/.venv/',
      'tools/package-check/programs/*.ts',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      // an element of an array may be absent although its type does not say so
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // numbers in messages are wanted
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // data of any size, spread into arguments, overflows the stack
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'CallExpression:matches([callee.object.name="Math"], [callee.property.name=/^(push|unshift|splice|concat|of|fromCharCode|fromCodePoint)$/]) > SpreadElement.arguments',
          message:
            'a long list overflows the stack as arguments: use maxOf, minOf, append (src/base) or a loop',
        },
      ],
      // `void promise` and `() => doIt()` are clear
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  // what tests spread they have made themselves
  { files: ['test/**/*.ts'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['**/*.{js,cjs}'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: {
        require: 'readonly',
        module: 'readonly',
        __dirname: 'readonly',
        process: 'readonly',
        console: 'readonly',
      },
    },
  },
  { files: ['**/*.mjs'], languageOptions: { globals: { process: 'readonly', console: 'readonly' } } },
  {
    files: ['tools/examples/*.mjs'],
    languageOptions: { globals: { TextDecoder: 'readonly', TextEncoder: 'readonly' } },
  },
);
