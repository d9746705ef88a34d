using Formation.Inference.Engine.Templates.Syntax;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Templates;

/// <summary>
/// A chat template in the Jinja that Hugging Face's <c>apply_chat_template</c> runs, compiled once and rendered for each request. It is
/// an interpreter over values of its own: a template reaches no file, no other template and no .NET member, and all it uses is limited.
/// Safe to use from any number of threads. See docs/formats/chat-templates.md.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>What ends a turn in <see cref="Default"/>: to be used as a stop string where the vocabulary has no such token.</summary>
    public const string DefaultEndOfTurn = "<|im_end|>";

    const string ChatMl =
        "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content or '' }}" + DefaultEndOfTurn + "\n{% endfor %}"
        + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    readonly IReadOnlyList<Statement> _statements;
    readonly ChatTemplateLimits _limits;

    ChatTemplate(string source, IReadOnlyList<Statement> statements, ChatTemplateLimits limits)
    {
        Source = source;
        _statements = statements;
        _limits = limits;
    }

    /// <summary>
    /// The template of a model that has none: ChatML. In a vocabulary without <c>&lt;|im_start|&gt;</c> the markers are plain text of
    /// several tokens.
    /// </summary>
    public static ChatTemplate Default { get; } = Compile(ChatMl);

    /// <summary>The template as it was given.</summary>
    public string Source { get; }

    /// <summary>Parses a template.</summary>
    /// <param name="source">Jinja, as in a GGUF's <c>tokenizer.chat_template</c>.</param>
    /// <param name="limits">What parsing and rendering may use; null is <see cref="ChatTemplateLimits.Default"/>.</param>
    /// <exception cref="TemplateException">
    /// The source is malformed, too long or nested too deep, or has a tag that chat templates lack.
    /// </exception>
    public static ChatTemplate Compile(string source, ChatTemplateLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        limits ??= ChatTemplateLimits.Default;
        return new ChatTemplate(source, TemplateParser.Parse(source, limits), limits);
    }

    /// <summary>Renders a conversation to the text that the model continues.</summary>
    /// <returns>The text, in which special tokens count only where the template (or the model's BOS and EOS) wrote them.</returns>
    /// <exception cref="TemplateException">The template refused the conversation, failed on it, or reached a limit.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public PromptText Render(ChatTemplateInput input, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(input);
        cancellationToken.ThrowIfCancellationRequested();
        var context = new RenderContext(_limits, input.TimeProvider, cancellationToken);
        var text = new TemplateRenderer(context).Render(_statements, new ConversationVariables(context).Build(input));
        return new PromptText(text.Text, text.ControlRanges);
    }
}
