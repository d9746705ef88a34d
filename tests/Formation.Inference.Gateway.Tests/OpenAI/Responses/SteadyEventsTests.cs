using Formation.Inference.Gateway.OpenAI.Answers;
using Formation.Inference.Gateway.OpenAI.Responses;
using Formation.Inference.Gateway.OpenAI.Responses.Background;

namespace Formation.Inference.Gateway.Tests.OpenAI.Responses;

/// <summary>Events that are the same however the text came.</summary>
public class SteadyEventsTests
{
    static TextDeltaEvent Text(string text, params ChatTokenLogprob[] tokens) => new("response.output_text.delta", 0, "msg_1", 0, 0, text, tokens);

    static ArgumentsDeltaEvent Arguments(string text) => new("response.function_call_arguments.delta", 0, "fc_1", 1, text);

    static ReasoningDeltaEvent Thought(string text) => new("response.reasoning_text.delta", 0, "rs_1", 0, 0, text);

    static ErrorEvent Structural { get; } = new("error", 0, null, "", null);

    static string[] Told(params IEnumerable<ResponseStreamEvent> events)
    {
        var steady = new SteadyEvents();
        return [.. events.Append(Structural).SelectMany(steady.Add).Select(each => each switch
        {
            TextDeltaEvent text => $"{each.SequenceNumber} text {text.Delta}|{string.Join(',', text.Logprobs.Select(token => token.Token))}",
            ArgumentsDeltaEvent arguments => $"{each.SequenceNumber} arguments {arguments.Delta}",
            ReasoningDeltaEvent thought => $"{each.SequenceNumber} thought {thought.Delta}",
            _ => $"{each.SequenceNumber} {each.Type}",
        })];
    }

    [Fact]
    public void Text_comes_word_by_word_with_its_tokens_and_a_long_word_in_parts()
    {
        Assert.Equal(
            ["0 text To|To", "1 text  be| be", "2 text  0123456789abcde| 0123,456789abcde", "3 text f|f", "4 error"],
            Told(Text("To be 0123456789abcdef", [.. new[] { "To", " be", " 0123", "456789abcde", "f" }.Select(Token)])));
        Assert.Equal(["0 error"], Told());
    }

    [Fact]
    public void However_the_text_is_cut_the_events_are_the_same()
    {
        const string All = "One  two\n\nthree 😀😀😀😀😀😀😀😀😀😀 {\"a\":[1,2,3,4,5,6,7,8,9]}";
        string[] once = Told(Thought(All), Structural, Text(All, [.. Words(All).Select(Token)]), Structural, Arguments(All));
        var random = new Random(7);
        for (int round = 0; round < 200; round++)
        {
            Assert.Equal(once, Told(
                [.. Cut(All, random).Select(Thought), Structural, .. CutWithTokens(All, random), Structural, .. Cut(All, random).Select(Arguments)]));
        }
    }

    static ChatTokenLogprob Token(string text) => new(text, -1, [.. System.Text.Encoding.UTF8.GetBytes(text).Select(each => (int)each)], []);

    static IEnumerable<string> Cut(string text, Random random)
    {
        for (int begin = 0; begin < text.Length;)
        {
            int end = Math.Min(text.Length, begin + random.Next(1, 9));
            if (end < text.Length && char.IsLowSurrogate(text[end]))
                end++;
            yield return text[begin..end];
            begin = end;
        }
    }

    static string[] Words(string text) => [.. text.Split(' ').Select((word, index) => index == 0 ? word : " " + word)];

    static IEnumerable<TextDeltaEvent> CutWithTokens(string text, Random random)
    {
        string[] words = Words(text);
        for (int begin = 0; begin < words.Length;)
        {
            string[] some = words[begin..Math.Min(words.Length, begin + random.Next(1, 4))];
            yield return Text(string.Concat(some), [.. some.Select(Token)]);
            begin += some.Length;
        }
    }
}
