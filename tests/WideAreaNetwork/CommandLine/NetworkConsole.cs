using System.Globalization;
using Formation.Inference.WideAreaNetwork.Links;

namespace Formation.Inference.WideAreaNetwork.CommandLine;

/// <summary>Changes a network by lines of text, so that a person, or a script through a pipe, can cut a link while programs run on it.</summary>
/// <param name="network">What is changed.</param>
/// <param name="input">One command in each line; the end of it ends the network.</param>
/// <param name="output">Where answers go.</param>
sealed class NetworkConsole(EmulatedNetwork network, TextReader input, TextWriter output)
{
    private const string Help =
        """
        cut ONE [OTHER]      drop all between two nodes, or between one and all others, without a word
        restore ONE [OTHER]  end that
        delay ONE OTHER 10ms, rate ONE OTHER 200Mbit, loss ONE OTHER 0.1%   change both directions
        nat NODE on|off      whether nobody can dial a node
        traffic              what went over each link so far
        quit
        """;

    /// <summary>Obeys until the input ends, or says <c>quit</c>.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            // A console's reader waits without looking at the token.
            while (await Task.Run(input.ReadLine, CancellationToken.None).WaitAsync(cancellationToken) is { } line)
            {
                var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (words is ["quit"])
                    return;
                await output.WriteLineAsync(words.Length == 0 ? "" : Obey(words));
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl+C ends it as quit does.
        }
    }

    private string Obey(string[] words)
    {
        try
        {
            switch (words)
            {
                case ["cut", var node]:
                    network.Cut(Node(node));
                    return "ok";
                case ["cut", var one, var other]:
                    network.Cut(Node(one), Node(other));
                    return "ok";
                case ["restore", var node]:
                    network.Restore(Node(node));
                    return "ok";
                case ["restore", var one, var other]:
                    network.Restore(Node(one), Node(other));
                    return "ok";
                case ["delay", var one, var other, var text] when Quantity.TryDuration(text, out var delay):
                    return Change(one, other, settings => settings with { Delay = delay });
                case ["rate", var one, var other, var text] when Quantity.TryRate(text, out var rate):
                    return Change(one, other, settings => settings with { BitsPerSecond = rate });
                case ["loss", var one, var other, var text] when Quantity.TryShare(text, out var loss):
                    return Change(one, other, settings => settings with { Loss = loss });
                case ["nat", var node, "on" or "off"]:
                    network.Nodes[Node(node)].RefusesConnections = words[2] == "on";
                    return "ok";
                case ["traffic"]:
                    return Traffic();
                default:
                    return Help;
            }
        }
        catch (ArgumentException error)
        {
            return error.Message;
        }
    }

    private string Change(string one, string other, Func<LinkSettings, LinkSettings> change)
    {
        network.Change(Node(one), Node(other), change);
        return "ok";
    }

    private int Node(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= network.Nodes.Count
            ? number - 1
            : throw new ArgumentException($"There is no node '{text}'; they are numbered from 1 to {network.Nodes.Count}.");

    private string Traffic()
    {
        var links =
            from one in Enumerable.Range(0, network.Nodes.Count)
            from other in Enumerable.Range(0, network.Nodes.Count)
            where one != other
            let traffic = network[one, other].Traffic
            select $"{one + 1} to {other + 1}: {traffic.Packets} packets, {traffic.Bytes} bytes; dropped: {traffic.Overflowed} with the queue full, " +
                $"{traffic.Lost} by chance, {traffic.Cut} by cuts, {traffic.Refused} dialled";
        return string.Join('\n', links);
    }
}
