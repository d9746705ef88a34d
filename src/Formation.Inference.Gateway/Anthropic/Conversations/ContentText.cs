using System.Text.Json;
using Formation.Inference.Gateway.Requests;

namespace Formation.Inference.Gateway.Anthropic.Conversations;

/// <summary>A content that is text and nothing else: a string, or text blocks, which become one text with line breaks between them.</summary>
internal static class ContentText
{
    internal static string Of(JsonElement content, string param) => JsonWords.TryGetString(content) is { } text
        ? text
        : Join(ContentBlock.Of(content, param, fewest: 1).Select(block => block.Type == "text" ? block.Text() : throw block.Unexpected("text")));

    internal static string Join(IEnumerable<string> texts) => string.Join('\n', texts);
}
