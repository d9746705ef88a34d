using System.Runtime.InteropServices;
using System.Text.Json;

namespace Formation.Inference.Cluster.Routing;

/// <summary>
/// Fingerprints of a prompt's beginnings of 128, 256, 512 ... units (characters or tokens), so that a conversation is known again when it has
/// grown. They hold account and model, too; nothing can be read back from them.
/// </summary>
internal static class PromptBeginnings
{
    private const int Shortest = 128;
    private const int Longest = 64 * 1024;

    /// <summary>Puts the fingerprints into a list, that of the shortest beginning first.</summary>
    public static void Read(GenerationRequest request, List<ulong> beginnings)
    {
        beginnings.Clear();
        var reader = new Reader(beginnings);
        reader.Mix(request.AccountId);
        reader.Mix(request.ModelId);
        switch (request.Prompt)
        {
            case TextPrompt or TokenPrompt:
                reader.Take(request.Prompt);
                break;
            case InfillPrompt infill:
                // Most models read what comes before the gap first, and it is what stays while somebody types.
                reader.Take(infill.Prefix);
                reader.Take(infill.Suffix.Value);
                break;
            case ChatPrompt chat:
                reader.Take(chat.Tools);
                foreach (var message in chat.Messages)
                {
                    reader.Take(message.Role);
                    reader.Take(message.Content?.Value);
                    reader.Take(message.ToolCalls);
                    if (reader.IsFull)
                        break;
                }
                break;
        }
    }

    private ref struct Reader(List<ulong> beginnings)
    {
        private ulong _hash = 14695981039346656037;
        private int _length;
        private int _mark = Shortest;

        public readonly bool IsFull => _length >= Longest;

        public void Mix(ReadOnlySpan<char> text)
        {
            foreach (var unit in text)
                _hash = (_hash ^ unit) * 1099511628211;
            _hash = (_hash ^ 0xFFFF_FFFF) * 1099511628211;
        }

        public void Take(Prompt prompt)
        {
            if (prompt is TextPrompt { Text.Value: var text })
                Take(text);
            else if (prompt is TokenPrompt { TokenIds: var ids })
                for (var i = 0; i < ids.Count && !IsFull; i++)
                    Take((uint)ids[i]);
        }

        public void Take(ReadOnlySpan<char> text)
        {
            for (var i = 0; i < text.Length && !IsFull; i++)
                Take(text[i]);
        }

        public void Take(JsonElement? json)
        {
            if (json is not { ValueKind: not JsonValueKind.Undefined } value)
                return;
            var text = JsonMarshal.GetRawUtf8Value(value);
            for (var i = 0; i < text.Length && !IsFull; i++)
                Take(text[i]);
        }

        public void Take(uint unit)
        {
            _hash = (_hash ^ unit) * 1099511628211;
            if (++_length != _mark)
                return;
            beginnings.Add(_hash ^ (_hash >> 29));
            _mark *= 2;
        }
    }
}
