using System.Text;

namespace Formation.Inference;

/// <summary>A prompt as a model reads it.</summary>
/// <param name="Text">
/// The text that was given, or that the model's chat template or the given tokens make; then names of control tokens stand in it.
/// </param>
/// <param name="Tokens">Its tokens, those that the model's own rules put before and behind it included.</param>
public sealed record TokenizedPrompt(SensitiveText Text, IReadOnlyList<PromptToken> Tokens);

/// <summary>One token of a prompt.</summary>
/// <param name="Id">Index in the vocabulary.</param>
/// <param name="Bytes">What it stands for; not always whole UTF-8 characters.</param>
/// <param name="IsSpecial">Whether it is structure rather than text; its bytes are its name.</param>
/// <param name="Start">Where it begins in <see cref="TokenizedPrompt.Text"/>, in bytes of UTF-8.</param>
/// <param name="Stop">Where it ends there; the same as <paramref name="Start"/> where it is no part of it.</param>
public readonly record struct PromptToken(int Id, ReadOnlyMemory<byte> Bytes, bool IsSpecial, int Start, int Stop);

/// <summary>Tokenizing without generating.</summary>
public static class Tokenizing
{
    /// <summary>
    /// The tokens of a prompt of up to twice the model's context, or why there are none. Of the request only the prompt and the ids (of model,
    /// account and request) say anything; ids of tokens as the prompt give their text.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static async Task<Outcome<TokenizedPrompt>> TokenizeAsync(
        this IInferenceBackend backend, GenerationRequest request, CancellationToken cancellationToken)
    {
        // A request for no choices that wants its prompt back: so it takes the way of all requests, to whichever machine has the model.
        var asked = new GenerationRequest
        {
            RequestId = request.RequestId,
            ModelId = request.ModelId,
            AccountId = request.AccountId,
            Prompt = request.Prompt,
            TemplateTime = request.TemplateTime,
            Choices = 0,
            EchoPrompt = true,
        };
        Outcome<TokenizedPrompt>? outcome = null;
        await foreach (var item in backend.GenerateAsync(asked, cancellationToken))
        {
            if (item is GenerationFailed { Error: var error })
                outcome = error;
            else if (item is GenerationDelta { IsEcho: true } echo)
                outcome = new TokenizedPrompt(echo.Text, Locate(echo, hasSpecialText: request.Prompt is not TextPrompt));
        }

        return outcome ?? throw new InvalidOperationException("The backend ended before it had shown the prompt.");
    }

    /// <summary>
    /// How many tokens a prompt of up to twice the model's context has, or why there is no such number. Nothing is computed: of the request only the
    /// prompt and the ids (of model, account and request) say anything.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static async Task<Outcome<GenerationStarted>> CountAsync(
        this IInferenceBackend backend, GenerationRequest request, CancellationToken cancellationToken)
    {
        Outcome<GenerationStarted>? outcome = null;
        await foreach (var item in backend.GenerateAsync(request with { Choices = 0 }, cancellationToken))
            outcome = item switch
            {
                GenerationFailed { Error: var error } => error,
                GenerationStarted started => started,
                _ => outcome,
            };
        return outcome ?? throw new InvalidOperationException("The backend ended before it had counted the prompt.");
    }

    /// <summary>Finds the tokens in the text, one behind the other; what stands between two (spaces that a tokenizer drops) is in none.</summary>
    static PromptToken[] Locate(GenerationDelta echo, bool hasSpecialText)
    {
        var text = Encoding.UTF8.GetBytes(echo.Text.Value);
        var tokens = new PromptToken[echo.Tokens.Count];
        var position = 0;
        for (var i = 0; i < tokens.Length; i++)
        {
            var token = echo.Tokens[i];
            var (start, stop) = (position, position);
            if (!token.IsSpecial || hasSpecialText)
                (start, stop) = Find(token.Bytes.Span, text, position);
            tokens[i] = new PromptToken(token.TokenId, token.Bytes, token.IsSpecial, start, stop);
            position = stop;
        }

        return tokens;
    }

    static (int Start, int Stop) Find(ReadOnlySpan<byte> token, ReadOnlySpan<byte> text, int position)
    {
        // SentencePiece puts a space before a text, which is in its first token and not in the text.
        for (var start = position; start <= text.Length; start++)
        {
            if (text[start..].StartsWith(token))
                return (start, start + token.Length);
            if (token is [(byte)' ', .. var rest] && text[start..].StartsWith(rest))
                return (start, start + rest.Length);
            if (start == text.Length || text[start] is not (byte)' ')
                break;
        }

        return (position, position);
    }
}
